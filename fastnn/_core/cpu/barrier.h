/* A barrier for a team of threads that spins briefly and then yields.
 *
 * OpenMP's own spins for milliseconds and then sleeps, both bad where another process, or a BLAS
 * that waits for work, shares the processors: the late thread waits for the processor that this one
 * burns, and a thread that slept comes back a time slice later, at every small step anew.
 */
#ifndef FASTNN_BARRIER_H
#define FASTNN_BARRIER_H

#include <sched.h>
#include <stdatomic.h>

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

/* Counters on cache lines of their own, wherever the struct lies: arrivals disturb no thread that
 * waits. */
typedef struct {
    char before[64];
    atomic_int arrived;
    char between[64];
    atomic_uint round;
    atomic_int leaves; /* a thread wants the team to leave .. */
    int agreed;        /* .. as the last to arrive saw it */
    char after[64];
} Barrier;

/* Ask the team to leave at the next barrier. */
static inline void leave_at_barrier(Barrier *barrier)
{
    atomic_store_explicit(&barrier->leaves, 1, memory_order_relaxed);
}

/* Return whether a thread has asked for it: the others may still pass a barrier they are at. */
static inline int leaves_at_barrier(Barrier *barrier)
{
    return atomic_load_explicit(&barrier->leaves, memory_order_relaxed);
}

/* Wait for all threads of the team; return to each of them the same: whether they leave.
 * Zeroed memory is a fresh barrier. */
static inline int barrier_wait(Barrier *barrier, int team)
{
    if (team == 1) return leaves_at_barrier(barrier);
    const unsigned round = atomic_load_explicit(&barrier->round, memory_order_relaxed);
    if (atomic_fetch_add_explicit(&barrier->arrived, 1, memory_order_acq_rel) == team - 1) {
        atomic_store_explicit(&barrier->arrived, 0, memory_order_relaxed);
        barrier->agreed = leaves_at_barrier(barrier);
        atomic_store_explicit(&barrier->round, round + 1, memory_order_release);
        return barrier->agreed;
    }
    for (int spin = 0; atomic_load_explicit(&barrier->round, memory_order_acquire) == round; spin++)
        if (spin < SPINS)
            PAUSE();
        else
            sched_yield();
    return barrier->agreed;
}

#endif
