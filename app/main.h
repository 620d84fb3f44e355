/* The program, once it is known that the processor can run it. */
#ifndef VJ_APP_MAIN_H
#define VJ_APP_MAIN_H

/* Returns the exit code. */
int vj_main(int argc, char **argv);

#endif
