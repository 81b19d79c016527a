#include "program/plan/plan.hpp"

#include <algorithm>
#include <utility>

namespace megagrad {

namespace {

// The more points a kernel has, the less it matters what calling it costs; rows may fill most of a
// second-level cache for that.
std::size_t lanes_of(const Plan& plan) {
    constexpr std::size_t bytes = std::size_t{2} << 20, least = 8, most = 128;
    const std::size_t lanes = bytes / (sizeof(double) * std::max<std::size_t>(plan.rows, 1));
    return std::clamp(lanes / least * least, least, most);
}

}  // namespace

Plan plan(const Program& program, Wanted wanted) {
    Outline draft = outline(program, wanted);
    schedule(draft);
    differentiate(draft);
    give_rows(draft);
    draft.plan.lanes = lanes_of(draft.plan);
    return std::move(draft.plan);
}

}  // namespace megagrad
