/* Threads and floating-point modes: the few things the engine asks of processor and OpenMP. */
#ifndef FASTNN_PROCESSOR_H
#define FASTNN_PROCESSOR_H

#include <stdint.h>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#ifdef _OPENMP
#include <omp.h>
#define HAS_OPENMP 1
static inline int team_size(void) { return omp_get_num_threads(); }
static inline int most_threads(void) { return omp_get_max_threads(); }
#else
#define HAS_OPENMP 0
static inline int team_size(void) { return 1; }
static inline int most_threads(void) { return 1; }
#endif

/* The next number of a counter that threads share. */
static inline int64_t take_ticket(int64_t *counter)
{
    return __atomic_fetch_add(counter, 1, __ATOMIC_ACQ_REL);
}

/* How many numbers were taken; what their threads did before is seen from here on. */
static inline int64_t tickets_taken(const int64_t *counter)
{
    return __atomic_load_n(counter, __ATOMIC_ACQUIRE);
}

/* Write a byte of each cache line as it is, so that the line is this processor's alone when it is
 * written for good. A store to a line that others have read waits for them, and those behind it too:
 * between the stores of other lines it costs three times as much as here. A prefetch helps less. */
static inline void claim_lines(char *memory, int64_t n_bytes)
{
    for (int64_t b = 0; b < n_bytes; b += 64) *(volatile char *)(memory + b) = memory[b];
}

/* Add to a sum that threads share; in any order, so the last bits are left to chance. */
static inline void add_to_shared(double *sum, double number)
{
    double before, after;
    __atomic_load(sum, &before, __ATOMIC_RELAXED);
    do after = before + number;
    while (!__atomic_compare_exchange(sum, &before, &after, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
}

/* Denormals make an Adam step several times slower: take them as zero on this thread. Returns the
 * mode to restore. */
static inline uint64_t flush_denormals(void)
{
#if defined(__x86_64__)
    const unsigned mode = _mm_getcsr();
    _mm_setcsr(mode | 0x8040); /* flush to zero, denormals are zero */
    return mode;
#elif defined(__aarch64__)
    uint64_t mode;
    __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
    __asm__ volatile("msr fpcr, %0" : : "r"(mode | (1u << 24)));
    return mode;
#else
    return 0;
#endif
}

static inline void restore_denormals(uint64_t mode)
{
#if defined(__x86_64__)
    _mm_setcsr((unsigned)mode);
#elif defined(__aarch64__)
    __asm__ volatile("msr fpcr, %0" : : "r"(mode));
#else
    (void)mode;
#endif
}

#endif
