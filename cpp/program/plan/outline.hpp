// What the steps of a plan read and write.
#pragma once

#include "program/plan/plan.hpp"

namespace megagrad {

// The rows, or the values in their places, that a step reads when it is run forward.
template <class Visit>
void for_each_operand(Plan& plan, Step& step, Visit visit) {
    if (step.code == affine_code) {
        Affine& affine = plan.affines[step.x];
        Slot* slots = &plan.slots[affine.in_slots()];
        for (std::uint32_t i = 0; i < affine.ins; ++i) visit(slots[i]);
    } else if (step.code == inner_code) {
        Inner& inner = plan.inners[step.x];
        Slot* slots = &plan.slots[inner.slots];
        for (std::uint32_t i = 0; i < inner.products; ++i, slots += 4) {
            visit(slots[0]);
            visit(slots[1]);
        }
        if (inner.start_is_row) visit(inner.start);
    } else {
        if (step.form() != Form::uniform_x) visit(step.x);
        if (step.form() != Form::uniform_y) visit(step.y);
    }
}

// What it writes.
template <class Visit>
void for_each_out(Plan& plan, Step& step, Visit visit) {
    if (step.code == affine_code) {
        Affine& affine = plan.affines[step.x];
        for (std::uint32_t j = 0; j < affine.outs; ++j) visit(plan.slots[affine.slots + j]);
    } else {
        visit(step.out);
    }
}

}  // namespace megagrad
