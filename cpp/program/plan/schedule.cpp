// The second step of planning: steps of one kernel are brought together, as far as what they need
// is there. The processor then foresees which kernel is next. Where kernels take turns at random, a
// call for a single point takes twice as long: most of its time is wrong guesses.
#include <algorithm>
#include <cstdint>

#include "program/plan/outline.hpp"
#include "program/plan/plan.hpp"

namespace megagrad {

namespace {

class Scheduling {
public:
    // `known`: how many values are there from the beginning, before those that steps compute.
    Scheduling(Plan& plan, Array<Step>& steps, std::size_t values, std::size_t known)
        : plan_(plan), steps_(steps), is_known_(values, false) {
        std::fill_n(is_known_.begin(), known, true);
    }

    void schedule() {
        Array<Step> scheduled;
        scheduled.reserve(steps_.size());
        for (std::size_t i = 0; i < steps_.size() || !waiting_.empty();) {
            for (; i < steps_.size() && waiting_.size() < window; ++i)
                waiting_.push_back({steps_[i], no_slot});
            scheduled.push_back(
                take((scheduled.empty() ? waiting_[0].step : scheduled.back()).code));
        }
        steps_ = std::move(scheduled);
    }

private:
    // Steps move forward no further than this, so that their results wait no longer, either.
    static constexpr std::size_t window = 64;

    // A step, and an operand that was not there when the step was last looked at. A sum may have as
    // many operands as there are steps: to look at all of them again and again, while other steps
    // go before it, would take the square of the time.
    struct Waiting {
        Step step;
        Slot missing;
    };

    // The first one of that kernel that can be run, or the very first, which always can.
    Step take(Code code) {
        std::size_t found = 0;
        for (std::size_t i = 0; i < waiting_.size(); ++i) {
            if (waiting_[i].step.code != code || !is_ready(waiting_[i])) continue;
            found = i;
            break;
        }
        Step step = waiting_[found].step;
        waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(found));
        for_each_out(plan_, step, [&](Slot value) { is_known_[value] = true; });
        return step;
    }

    bool is_ready(Waiting& waiting) {
        if (waiting.missing != no_slot && !is_known_[waiting.missing]) return false;
        waiting.missing = no_slot;
        for_each_operand(plan_, waiting.step, [&](Slot value) {
            if (!is_known_[value & ~subtracted]) waiting.missing = value & ~subtracted;
        });
        return waiting.missing == no_slot;
    }

    Plan& plan_;
    Array<Step>& steps_;
    std::vector<bool> is_known_;
    std::vector<Waiting> waiting_;
};

}  // namespace

void schedule(Outline& outline) {
    Plan& plan = outline.plan;
    Scheduling(plan, plan.steps, outline.values.size(), plan.inputs.size()).schedule();
    const std::size_t known = plan.parameters + plan.constants.size();
    Scheduling(plan, plan.once, plan.uniforms, known).schedule();
}

}  // namespace megagrad
