/* The clock and the scheduler of the operating system. */
#ifndef FASTNN_SYSTEM_H
#define FASTNN_SYSTEM_H

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#define NOMINMAX
#include <windows.h>

static inline double seconds_now(void)
{
    LARGE_INTEGER ticks, per_second;
    QueryPerformanceCounter(&ticks);
    QueryPerformanceFrequency(&per_second);
    return (double)ticks.QuadPart / (double)per_second.QuadPart;
}

/* Let another thread have this processor, if one waits for it. */
static inline void yield_processor(void) { SwitchToThread(); }
#else
#include <sched.h>
#include <time.h>

static inline double seconds_now(void)
{
    struct timespec clock;
    clock_gettime(CLOCK_MONOTONIC, &clock);
    return (double)clock.tv_sec + 1e-9 * (double)clock.tv_nsec;
}

/* Let another thread have this processor, if one waits for it. */
static inline void yield_processor(void) { sched_yield(); }
#endif

#endif
