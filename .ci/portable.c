/* Everything that native code asks of a system: compiled and linked for systems that are not here. */
#include "barrier.h"
#include "kernels.h"
#include "processor.h"
#include "startable.h"

int main(void)
{
    static Barrier barrier;
    double waited = 0, sum = 0;
    const uint64_t mode = flush_denormals();
    const double begin = seconds_now();
    ask_to_leave(&barrier, LEAVE_AFTER_STEP);
    yield_processor();
    keep_team(startable_threads(most_threads(), 0));
    for (int isa = 0; isa < N_ISAS; isa++)
        for (int is_double = 0; is_double < 2; is_double++) {
            const Kernels *kernels = fastnn_kernels(isa, is_double);
            if (kernels) kernels->weighted_sum(7, NULL, NULL, NULL, 0, &sum);
            if (kernels && sum != 7) return 1;
        }
    restore_denormals(mode);
    return barrier_wait(&barrier, team_size(), &waited) == LEAVE_AFTER_STEP && seconds_now() >= begin
               ? 0 : 2;
}
