// The second step of planning: calls of one kernel are brought together, as far as what they need
// is there. The processor then foresees which kernel is next. Where kernels take turns at random, a
// call for a single point takes twice as long: most of its time is wrong guesses.
#include <algorithm>
#include <cstdint>

#include "program/plan/outline.hpp"

namespace megagrad {

namespace {

class Scheduling {
public:
    // `known`: how many values are there from the beginning, before those that calls compute.
    Scheduling(Plan& plan, Array<KernelCall>& calls, std::size_t values, std::size_t known)
        : plan_(plan), calls_(calls), is_known_(values, false) {
        std::fill_n(is_known_.begin(), known, true);
    }

    void schedule() {
        Array<KernelCall> scheduled;
        scheduled.reserve(calls_.size());
        for (std::size_t i = 0; i < calls_.size() || !waiting_.empty();) {
            for (; i < calls_.size() && waiting_.size() < window; ++i)
                waiting_.push_back({calls_[i], no_register});
            scheduled.push_back(
                take((scheduled.empty() ? waiting_[0].call : scheduled.back()).code));
        }
        calls_ = std::move(scheduled);
    }

private:
    // Calls move forward no further than this, so that their results wait no longer, either.
    static constexpr std::size_t window = 64;

    // A call, and an operand that was not there when the call was last looked at. A sum may have as
    // many operands as there are calls: to look at all of them again and again, while other calls
    // go before it, would take the square of the time.
    struct Waiting {
        KernelCall call;
        Register missing;
    };

    // The first one of that kernel that can be run, or the very first, which always can.
    KernelCall take(Code code) {
        std::size_t found = 0;
        for (std::size_t i = 0; i < waiting_.size(); ++i) {
            if (waiting_[i].call.code != code || !is_ready(waiting_[i])) continue;
            found = i;
            break;
        }
        KernelCall call = waiting_[found].call;
        waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(found));
        for_each_out(plan_, call, [&](Register value) { is_known_[value] = true; });
        return call;
    }

    bool is_ready(Waiting& waiting) {
        if (waiting.missing != no_register && !is_known_[waiting.missing]) return false;
        waiting.missing = no_register;
        for_each_operand(plan_, waiting.call, [&](Register value) {
            if (!is_known_[value]) waiting.missing = value;
        });
        return waiting.missing == no_register;
    }

    Plan& plan_;
    Array<KernelCall>& calls_;
    std::vector<bool> is_known_;
    std::vector<Waiting> waiting_;
};

}  // namespace

void schedule(Outline& outline) {
    Plan& plan = outline.plan;
    Scheduling(plan, plan.calls, outline.values.size(), plan.inputs.size()).schedule();
    const std::size_t known = plan.parameters + plan.constants.size();
    Scheduling(plan, plan.once, plan.uniforms, known).schedule();
}

}  // namespace megagrad
