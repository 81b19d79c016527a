// Several threads that share the blocks of one replay.
#pragma once

#include <atomic>
#include <chrono>
#include <exception>
#include <functional>
#include <optional>
#include <vector>

#include "program/run/pairwise_sum.hpp"
#include "program/run/replay.hpp"

namespace megagrad {

// Which process this is: a signal's handler may have called fork().
long process();

// All blocks, by one thread or several. Each takes the next stripe when it is done with one.
// Where fork() was called meanwhile, the child has the calling thread only: it cannot have the
// result, nor take apart what the others were just changing.
class Crew {
public:
    Crew(const Plan& plan, const Points& points, ReplayMemory& memory,
         const std::function<bool()>& poll);

    // The cells' sums, or nothing if it was stopped.
    std::optional<std::vector<double>> run(unsigned threads);

    bool has_been_stopped() const { return has_been_stopped_; }
    bool is_left_alone() const { return has_others_ && process() != process_; }

private:
    using Clock = std::chrono::steady_clock;

    std::size_t cells() const { return plan_.wanted.parameters ? plan_.cells.size() : 0; }
    void assist();
    void fail();
    void work(AlignedArray& registers, bool polls);
    bool is_going_on(Clock::time_point& last_poll);

    const Plan& plan_;
    const Points& points_;
    ReplayMemory& memory_;
    const std::function<bool()>& poll_;
    const std::size_t stripe_;
    std::size_t stripes_;
    std::atomic<std::size_t> next_{0};
    std::atomic<bool> is_stopped_{false}, has_failed_{false};
    bool has_others_ = false;
    bool has_been_stopped_ = false;  // by poll
    const long process_ = process();
    std::exception_ptr error_;
    PairwiseSum sums_;
};

// As many threads as there are processors, where there is enough to do to begin them for.
unsigned sensible_threads(const Plan& plan, const Points& points);

}  // namespace megagrad
