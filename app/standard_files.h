/* Standard input, output and error: what a program may count on, and whether all that it printed has arrived. */
#ifndef VJ_APP_STANDARD_FILES_H
#define VJ_APP_STANDARD_FILES_H

#include "vj/status.h"

/* First of all. A file that the program opens never gets the number of one of the three, and neither a reader that has
 * gone nor a limit on the size of files ends the program by a signal: writing fails, and is told. */
void vj_standard_files_begin(void);

/* VJ_IO where anything printed on standard output so far has not got there. */
VJ_MUST_USE vj_status vj_standard_output_check(void);

#endif
