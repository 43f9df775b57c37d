/* A barrier for a team of threads that spins briefly and then yields.
 *
 * OpenMP's own spins for milliseconds and then sleeps, both bad where another process, or a BLAS
 * that waits for work, shares the processors: the late thread waits for the processor that this one
 * burns, and a thread that slept comes back a time slice later, at every small step anew.
 */
#ifndef FASTNN_BARRIER_H
#define FASTNN_BARRIER_H

#include <stdatomic.h>

#include "system.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define PAUSE() _mm_pause()
#elif defined(__aarch64__)
#define PAUSE() __asm__ volatile("yield")
#else
#define PAUSE() ((void)0)
#endif

/* Longer than threads that run side by side wait for one another, some 50 microseconds. */
enum { SPINS = 2000 };

/* How a thread wants the team to leave, the more urgent the greater. */
typedef enum { STAY, LEAVE_AFTER_STEP, LEAVE_NOW } Leave;

/* Counters on cache lines of their own, wherever the struct lies: arrivals disturb no thread that
 * waits. */
typedef struct {
    char before[64];
    atomic_int arrived;
    char between[64];
    atomic_uint round;
    atomic_int leave; /* what one thread wants .. */
    int agreed;       /* .. as the last to arrive saw it */
    char after[64];
} Barrier;

/* Ask the team to leave; only one of its threads may ask. */
static inline void ask_to_leave(Barrier *barrier, Leave leave)
{
    if ((int)leave > atomic_load_explicit(&barrier->leave, memory_order_relaxed))
        atomic_store_explicit(&barrier->leave, leave, memory_order_relaxed);
}

/* Return what was asked for: the others may still pass a barrier they are at. */
static inline Leave asked_to_leave(Barrier *barrier)
{
    return (Leave)atomic_load_explicit(&barrier->leave, memory_order_relaxed);
}

/* Wait for all threads of the team; return the same to each of them: whether and how they leave.
 * A wait that is longer than among threads that run side by side adds to `waited`, in seconds.
 * Zeroed memory is a fresh barrier. */
static inline Leave barrier_wait(Barrier *barrier, int team, double *waited)
{
    if (team == 1) return asked_to_leave(barrier);
    const unsigned round = atomic_load_explicit(&barrier->round, memory_order_relaxed);
    if (atomic_fetch_add_explicit(&barrier->arrived, 1, memory_order_acq_rel) == team - 1) {
        atomic_store_explicit(&barrier->arrived, 0, memory_order_relaxed);
        barrier->agreed = asked_to_leave(barrier);
        atomic_store_explicit(&barrier->round, round + 1, memory_order_release);
        return (Leave)barrier->agreed;
    }
    for (int spin = 0; atomic_load_explicit(&barrier->round, memory_order_acquire) == round; spin++)
        if (spin < SPINS) {
            PAUSE();
        } else {
            const double begin = seconds_now();
            while (atomic_load_explicit(&barrier->round, memory_order_acquire) == round)
                yield_processor();
            *waited += seconds_now() - begin;
            break;
        }
    return (Leave)barrier->agreed;
}

#endif
