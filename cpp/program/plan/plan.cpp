#include "program/plan/plan.hpp"

#include <algorithm>
#include <utility>

#include "program/plan/outline.hpp"

namespace megagrad {

Plan plan(const Program& program, Wanted wanted) {
    Outline outline = lower(program, wanted);
    schedule(outline);
    differentiate(outline);
    return allocate(std::move(outline));
}

}  // namespace megagrad
