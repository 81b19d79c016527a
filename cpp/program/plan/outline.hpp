// A plan while it is being made. Its registers are virtual: each value has one of its own, of the
// same number. `allocate` turns them into a few that are used again and again.
#pragma once

#include <vector>

#include "program/plan/plan.hpp"

namespace megagrad {

struct PlannedValue {
    bool needs_grad = false, has_grad = false;
};
struct Outline {
    Plan plan;
    Array<PlannedValue> values;  // the inputs first
    std::vector<bool> uniform_needs_grad;
};

// The steps of planning, in their order.
Outline lower(const Program& program, Wanted wanted);
void schedule(Outline& outline);
void differentiate(Outline& outline);
Plan allocate(Outline outline);

// The registers that a call reads when it is run forward.
template <class Visit>
void for_each_operand(const Plan& plan, const KernelCall& call, Visit visit) {
    if (call.code == affine_code) {
        const Affine& affine = plan.affines[call.x];
        const Register* ins = &plan.affine_registers[affine.in_registers()];
        for (std::uint32_t i = 0; i < affine.ins; ++i) visit(ins[i]);
    } else if (call.code == inner_code) {
        const Inner& inner = plan.inners[call.x];
        const Product* product = &plan.products[inner.first];
        for (std::uint32_t i = 0; i < inner.products; ++i, ++product) {
            visit(product->a.number());
            visit(product->b);
        }
        if (inner.start_varies) visit(inner.start);
    } else {
        if (call.form() != Form::uniform_x) visit(call.x);
        if (call.form() != Form::uniform_y) visit(call.y);
    }
}

// Those that it writes.
template <class Visit>
void for_each_out(const Plan& plan, const KernelCall& call, Visit visit) {
    if (call.code == affine_code) {
        const Affine& affine = plan.affines[call.x];
        for (std::uint32_t j = 0; j < affine.outs; ++j)
            visit(plan.affine_registers[affine.registers + j]);
    } else {
        visit(call.out);
    }
}

}  // namespace megagrad
