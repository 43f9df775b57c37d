/* Threads that the system starts for this process: OpenMP ends it where one is refused. */
#ifndef FASTNN_STARTABLE_H
#define FASTNN_STARTABLE_H

#include <stdint.h>

/* The team that OpenMP keeps for the calling thread. */
static _Thread_local int64_t last_team = 1;

static inline int64_t team_kept(void) { return last_team; }
static inline void keep_team(int64_t n_threads) { last_team = n_threads; }

#if defined(_OPENMP) && defined(__linux__)
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef struct {
    pthread_mutex_t *together;
    pthread_t thread;
    pid_t id;
} Trial;

static void *try_thread(void *trial_)
{
    Trial *trial = trial_;
    trial->id = (pid_t)syscall(SYS_gettid);
    pthread_mutex_lock(trial->together);
    pthread_mutex_unlock(trial->together);
    return NULL;
}

/* Return how many of n threads can run at a time beside this one: they are started, and end again.
 * stack_size is that of OpenMP's threads, 0 for the system's. A thread counts until the system has
 * wholly forgotten it. */
static inline int64_t startable_threads(int64_t n, int64_t stack_size)
{
    int64_t started = 0;
    pthread_attr_t attributes;
    pthread_mutex_t together = PTHREAD_MUTEX_INITIALIZER;
    Trial *trials = malloc((size_t)n * sizeof *trials);
    if (!trials || pthread_attr_init(&attributes)) {
        free(trials);
        return 0;
    }
    if (stack_size > 0) pthread_attr_setstacksize(&attributes, (size_t)stack_size);
    pthread_mutex_lock(&together);
    for (; started < n; started++) {
        trials[started].together = &together;
        if (pthread_create(&trials[started].thread, &attributes, try_thread, trials + started)) break;
    }
    pthread_mutex_unlock(&together);
    for (int64_t i = 0; i < started; i++) {
        pthread_join(trials[i].thread, NULL);
        while (syscall(SYS_tgkill, getpid(), trials[i].id, 0) == 0) sched_yield();
    }
    pthread_attr_destroy(&attributes);
    free(trials);
    return started;
}
#else
static inline int64_t startable_threads(int64_t n, int64_t stack_size)
{
    (void)stack_size;
    return n;
}
#endif

#endif
