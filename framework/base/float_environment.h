/* The state of the processor's floating-point unit, on which bits depend as they do on the program. */
#ifndef VJ_FRAMEWORK_BASE_FLOAT_ENVIRONMENT_H
#define VJ_FRAMEWORK_BASE_FLOAT_ENVIRONMENT_H

/* Sets this thread's: rounding to the nearest, small numbers not flushed to zero, no traps. Threads inherit the state
 * of the one that starts them, and libraries change it: a shared object linked with -ffast-math when it is loaded,
 * others in threads of their own. So to be called where a thread begins, after other people's code was loaded, and
 * where computing begins; it costs nanoseconds. */
void vj_float_environment(void);

#endif
