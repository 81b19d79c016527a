// Memory that runs out: operator new, in the core's tests, fails when it is told to.
#pragma once

#include <new>

namespace megagrad::test {

// From its making on, the allocation of this number fails, counted from 0 over all threads; and
// all later ones, as when memory is used up, or none of them, as when a large one is asked for.
class FailingAllocations {
public:
    enum class After { succeed, fail };
    FailingAllocations(long number, After after);
    ~FailingAllocations();
    FailingAllocations(const FailingAllocations&) = delete;
    FailingAllocations& operator=(const FailingAllocations&) = delete;
    bool has_failed() const;
};

// Does the work again and again, with every one of its allocations failing once, until it gets
// through; `look(threw)` after each time says whether all is as it should be. Returns how many
// allocations failed.
template <class Work, class Look>
int fail_each_allocation(Work work, Look look, FailingAllocations::After after) {
    for (int number = 0;; ++number) {
        bool threw = false, has_failed = false;
        {
            const FailingAllocations failing(number, after);
            try {
                work();
            } catch (const std::bad_alloc&) {
                threw = true;
            }
            has_failed = failing.has_failed();
        }
        look(threw);
        if (!has_failed) return number;
    }
}

template <class Work, class Look>
int fail_each_allocation(Work work, Look look) {
    return fail_each_allocation(work, look, FailingAllocations::After::succeed) +
           fail_each_allocation(work, look, FailingAllocations::After::fail);
}

}  // namespace megagrad::test
