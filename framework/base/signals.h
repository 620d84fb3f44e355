/* Signals that ask a run to stop: SIGINT, SIGTERM and SIGUSR1 are only noted. */
#ifndef VJ_FRAMEWORK_BASE_SIGNALS_H
#define VJ_FRAMEWORK_BASE_SIGNALS_H

/* From here on; a second SIGINT ends the process at once with exit code 130. */
void vj_signals_catch(void);
/* The first that came, or 0. */
int vj_signals_caught(void);
/* "SIGTERM". */
const char *vj_signal_name(int signal);

#endif
