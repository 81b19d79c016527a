#include "program/run/threads.hpp"

#include <algorithm>
#include <new>
#include <system_error>
#include <thread>

#if !defined(_WIN32)
#include <unistd.h>
#endif

#include "program/run/worker.hpp"

namespace megagrad {

long process() {
#if defined(_WIN32)
    return 0;
#else
    return getpid();
#endif
}

Crew::Crew(const Plan& plan, const Points& points, ReplayMemory& memory,
           const std::function<bool()>& poll)
    : plan_(plan), points_(points), memory_(memory), poll_(poll), stripe_(stripe_of(plan)) {
    stripes_ = (points.count + stripe_ - 1) / stripe_;
}

std::optional<std::vector<double>> Crew::run(unsigned threads) {
    std::vector<std::thread> others;
    try {
        for (unsigned i = 1; i < std::min<std::size_t>(threads, stripes_); ++i) {
            others.emplace_back([this] { assist(); });
            has_others_ = true;
        }
    } catch (const std::system_error&) {  // the system has no more of them: fewer will do
    } catch (const std::bad_alloc&) {     // or no memory to begin one
    }
    try {
        work(memory_.registers, true);
    } catch (...) {
        fail();
    }
    if (is_left_alone()) {
        new std::vector<std::thread>(std::move(others));  // which can be neither joined nor left
        return std::nullopt;
    }
    for (std::thread& other : others) other.join();
    if (error_) std::rethrow_exception(error_);
    if (is_stopped_) return std::nullopt;
    std::vector<double> total = sums_.total();
    total.resize(cells());
    return total;
}

void Crew::assist() {
    try {
        AlignedArray registers;
        work(registers, false);
    } catch (...) {
        fail();
    }
}

void Crew::fail() {
    if (!has_failed_.exchange(true)) error_ = std::current_exception();
    is_stopped_ = true;
}

void Crew::work(AlignedArray& registers, bool polls) {
    Worker worker(plan_, points_, memory_, registers);
    Clock::time_point last_poll = Clock::now();
    for (std::size_t stripe; (stripe = next_++) < stripes_;) {
        std::vector<double> cells(this->cells());
        const std::size_t end = std::min(points_.count, (stripe + 1) * stripe_);
        for (std::size_t first = stripe * stripe_; first < end; first += plan_.points) {
            if (is_stopped_) return;
            worker.run(first, std::min(plan_.points, end - first), cells.data());
            if (polls && !is_going_on(last_poll)) return;
        }
        if (!cells.empty()) sums_.add(stripe, std::move(cells));
    }
}

bool Crew::is_going_on(Clock::time_point& last_poll) {
    constexpr std::chrono::milliseconds interval(20);
    const Clock::time_point now = Clock::now();
    if (now - last_poll < interval) return true;
    last_poll = now;
    has_been_stopped_ = !poll_();
    if (!has_been_stopped_ && !is_left_alone()) return true;
    is_stopped_ = true;
    return false;
}

unsigned sensible_threads(const Plan& plan, const Points& points) {
    constexpr double enough = 2e6;  // kernels' numbers: about a millisecond
    const double work = static_cast<double>(plan.calls.size() + plan.cells.size()) *
                        static_cast<double>(points.count);
    return work < enough ? 1 : std::max(1u, std::thread::hardware_concurrency());
}

}  // namespace megagrad
