#include "plan.hpp"

#include <algorithm>
#include <utility>

namespace megagrad {

namespace {

// Blocks are to stay in the first-level cache, or at least in the second.
std::size_t lanes_of(const Plan& plan) {
    constexpr std::size_t bytes = 32 * 1024, least = 8, most = 256;
    const std::size_t lanes = bytes / (sizeof(double) * std::max<std::size_t>(plan.rows, 1));
    return std::clamp(lanes / least * least, least, most);
}

}  // namespace

Plan plan(const Program& program, Wanted wanted) {
    Outline draft = outline(program, wanted);
    differentiate(draft);
    give_rows(draft);
    draft.plan.lanes = lanes_of(draft.plan);
    return std::move(draft.plan);
}

}  // namespace megagrad
