/* The sub-verbs of `vjvcr data`: one file each, thin. argv[0] is the sub-verb; each returns the exit code. */
#ifndef VJ_APP_DATA_DATA_H
#define VJ_APP_DATA_DATA_H

int vj_data_make(int argc, char **argv);
int vj_data_pack(int argc, char **argv);
int vj_data_inspect(int argc, char **argv);

#endif
