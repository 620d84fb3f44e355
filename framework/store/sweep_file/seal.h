/* The seal of a sweep file, by which it is noticed that a byte of it has changed, and what it was before.
 *
 * Everything in the file is one of two things. The structure is what stands there when the file gets its name and never
 * changes: all that HDF5 keeps around the values, coordinates, and what is known of a trial beforehand. A copy of it,
 * compressed, with a table of where the rest lies, stands behind it, twice: that is the seal. HDF5 is told that the
 * file ends behind it, and so leaves it alone. The rest is recorded: variables of which each trial has a row of bytes.
 * The rows' checksums are recorded, too, in variables of their own.
 *
 * Nothing here needs HDF5, so that it never reads a structure that was not compared before. Not collective. */
#ifndef VJ_FRAMEWORK_STORE_SWEEP_FILE_SEAL_H
#define VJ_FRAMEWORK_STORE_SWEEP_FILE_SEAL_H

#include <sys/types.h>

#include "framework/store/sweep_file/sweep_file.h"
#include "vj/memory.h"

/* A variable that is recorded: its rows lie one behind the other. */
typedef struct vj_sealed_variable {
  const char *name;
  vj_file_type type;
  int64_t place, rows, row_bytes;
  const char *checksum_name; /* of the variable with the checksums of its rows, or "-" */
  int checksum;              /* its number; the own: this one holds checksums; -1: its rows have none */
} vj_sealed_variable;

typedef struct vj_seal {
  vj_pool *pool;           /* of all that follows */
  int64_t file_bytes, end; /* of the whole, and of what stands before the seal */
  int variable_count;
  vj_sealed_variable *variables; /* by place */
  int *by_name;                  /* their numbers, in the order of their names */
  unsigned char *structure;      /* one piece behind the other, the eight bytes that tell the file's end as zeros */
  int64_t structure_bytes;
  unsigned char *copy; /* as it stands in the file */
  int64_t copy_bytes;
} vj_seal;

enum { VJ_SEAL_COPIES = 2 };

/* The seal for a file as it stands, of this layout, whose variables begin at `places`. Sentences name `path`. The
 * caller frees in all cases. */
VJ_MUST_USE vj_status vj_seal_make(const char *path, int descriptor, const vj_file_layout *layout, const off_t *places,
                                   vj_seal **seal);
/* Writes the structure and, behind it, the seal: 0, or the number of the system's error. Rows stay as they are. */
int vj_seal_write(const vj_seal *seal, int descriptor);

/* Reads the seal of a file; NULL where it ends in none, as files of earlier versions do. *copies: how many are whole,
 * which are counted if `all` says so; else the first whole one suffices. With `all` a seal is also looked for before
 * the end, in a file that was cut or has something behind it. */
VJ_MUST_USE vj_status vj_seal_read(const char *path, int descriptor, bool all, vj_seal **seal, int *copies);
void vj_seal_free(vj_seal **seal);

/* Which bytes of a structure are not what they were. */
typedef struct vj_seal_difference {
  int64_t bytes, first, last; /* how many, and where; first -1: none */
} vj_seal_difference;
/* Of a file's bytes before `end`. */
VJ_MUST_USE vj_status vj_seal_compare(const vj_seal *seal, const char *path, int descriptor, int64_t end,
                                      vj_seal_difference *difference);

/* The variable of that name, or -1. */
int vj_seal_find(const vj_seal *seal, const char *name);
/* The number of the first variable that holds checksums, from `from` on; -1: there is none. */
int vj_seal_holder(const vj_seal *seal, int from);
/* Reads bytes from a place on; what is behind the end of a file reads as zeros. */
VJ_MUST_USE vj_status vj_seal_read_bytes(const char *path, int descriptor, void *bytes, int64_t count, int64_t at);
/* The i-th piece of the structure, i up to and with the number of variables. */
void vj_seal_piece(const vj_seal *seal, int i, int64_t *first, int64_t *count);
/* Where HDF5 looks for the end of the file: 8 bytes in the superblock. */
enum { VJ_SEAL_END_AT = 40, VJ_SEAL_END_BYTES = 8 };

/* Of `count` rows from `first` on: the CRC-32 of the row of each variable whose checksums `holder` has, one behind the
 * other in the order of their names. */
VJ_MUST_USE vj_status vj_seal_sums(const vj_seal *seal, const char *path, int descriptor, int holder, int64_t first,
                                   int64_t count, uint32_t *sums);
/* Before a row's sums are taken that another host may have begun: it is read from the disk, not from what this host
 * remembers. Everything written has to be on the disk. */
void vj_seal_forget_row(const vj_seal *seal, int descriptor, int64_t row);
/* What `holder` says they are; -1 where a row has no checksum, as while it is being written. */
VJ_MUST_USE vj_status vj_seal_recorded_sums(const vj_seal *seal, const char *path, int descriptor, int holder,
                                            int64_t first, int64_t count, int64_t *sums);

/* Records the checksums of all rows as they stand, or of one row that `holder` has. */
VJ_MUST_USE vj_status vj_seal_put_sums(const vj_seal *seal, const char *path, int descriptor);
VJ_MUST_USE vj_status vj_seal_put_sum(const vj_seal *seal, const char *path, int descriptor, int holder, int64_t row);

/* --- a file made anew: 0, or the number of the system's error ----------------------------------------------------- */

/* All rows as they stand in another file of the same seal. */
int vj_seal_copy_rows(const vj_seal *seal, int from, int to);
/* A row's values of all variables whose checksums `holder` has, as in a fresh file. */
int vj_seal_empty_row(const vj_seal *seal, int descriptor, int holder, int64_t row);
/* A whole number of a row; nothing where there is no such variable. */
int vj_seal_put_number(const vj_seal *seal, int descriptor, const char *name, int64_t row, int64_t value);

#endif
