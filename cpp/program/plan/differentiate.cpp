// The second step of planning: which steps are run backward, and what they add to.
#include "program/plan/derivative.hpp"
#include "program/plan/plan.hpp"

namespace megagrad {

namespace {

class Differentiation {
public:
    explicit Differentiation(Outline& outline)
        : plan_(outline.plan),
          values_(outline.values),
          uniform_needs_grad_(outline.uniform_needs_grad) {}

    void differentiate() {
        for (Output& output : plan_.outputs) {
            output.grad = output.is_row ? gradient_if_needed(output.place)
                                        : uniform_gradient_if_needed(output.place);
        }
        for (std::size_t i = plan_.steps.size(); i-- > 0;) differentiate(plan_.steps[i]);
        for (Step& step : plan_.once) differentiate_uniform(step);
    }

private:
    // Of a value, which the step adds to; the first one to do so writes it.
    Slot gradient_of(Slot value) {
        const bool first = !values_[value].has_grad;
        values_[value].has_grad = true;
        return value | (first ? first_write : 0);
    }
    Slot gradient_if_needed(Slot value) {
        return values_[value].needs_grad ? gradient_of(value) : no_slot;
    }
    Slot cell_if_needed(Slot uniform) {
        if (!uniform_needs_grad_[uniform]) return no_slot;
        plan_.cells.push_back({uniform});
        return static_cast<Slot>(plan_.cells.size() - 1);
    }
    Slot uniform_gradient_if_needed(Slot uniform) const {
        return uniform_needs_grad_[uniform] ? uniform + plan_.uniforms : no_slot;
    }

    void differentiate(Step& step) {
        if (step.code == affine_code) return differentiate_affine(step);
        if (!values_[step.out].needs_grad || !values_[step.out].has_grad) return;
        step.has_gradient = true;
        step.out_grad = step.out;
        if (step.code == inner_code) return differentiate_inner(step);
        const auto& [dx, dy] = derivatives(step.op());
        const Form form = step.form();
        if (!dx.is_zero)
            step.x_grad =
                form == Form::uniform_x ? cell_if_needed(step.x) : gradient_if_needed(step.x);
        if (!dy.is_zero)
            step.y_grad =
                form == Form::uniform_y ? cell_if_needed(step.y) : gradient_if_needed(step.y);
    }

    void differentiate_affine(Step& step) {
        Affine& affine = plan_.affines[step.x];
        Slot* slots = plan_.slots.data();
        const Slot *outs = slots + affine.slots, *ins = slots + affine.in_slots();
        Slot *out_grads = slots + affine.out_grad_slots(),
             *in_grads = slots + affine.in_grad_slots();
        for (std::uint32_t j = 0; j < affine.outs; ++j)
            step.has_gradient |= values_[outs[j]].needs_grad && values_[outs[j]].has_grad;
        if (!step.has_gradient) return;
        // Outs that nothing differentiates have the gradient 0 all the same.
        for (std::uint32_t j = 0; j < affine.outs; ++j) out_grads[j] = gradient_of(outs[j]);
        for (std::size_t i = affine.weights; i < affine.biases() + affine.outs; ++i)
            affine.weights_wanted |= uniform_needs_grad_[plan_.cells[i].uniform & ~subtracted];
        for (std::uint32_t i = 0; i < affine.ins; ++i) {
            in_grads[i] = gradient_if_needed(ins[i]);
            affine.inputs_wanted |= in_grads[i] != no_slot;
        }
    }

    void differentiate_inner(Step& step) {
        Inner& inner = plan_.inners[step.x];
        Slot* slots = &plan_.slots[inner.slots];
        for (std::uint32_t i = 0; i < inner.products; ++i, slots += 4) {
            slots[2] = gradient_if_needed(slots[0] & ~subtracted);
            slots[3] = gradient_if_needed(slots[1]);
        }
        inner.start_grad =
            inner.start_is_row ? gradient_if_needed(inner.start) : cell_if_needed(inner.start);
    }

    // Uniform gradients begin with what rows left there, and are only added to.
    void differentiate_uniform(Step& step) {
        if (!uniform_needs_grad_[step.out]) return;
        step.has_gradient = true;
        step.out_grad = uniform_gradient_if_needed(step.out);
        if (step.code == inner_code) {
            Inner& inner = plan_.inners[step.x];
            Slot* slots = &plan_.slots[inner.slots];
            for (std::uint32_t i = 0; i < inner.products; ++i, slots += 4) {
                slots[2] = uniform_gradient_if_needed(slots[0] & ~subtracted);
                slots[3] = uniform_gradient_if_needed(slots[1]);
            }
            inner.start_grad = uniform_gradient_if_needed(inner.start);
            return;
        }
        const auto& [dx, dy] = derivatives(step.op());
        if (!dx.is_zero) step.x_grad = uniform_gradient_if_needed(step.x);
        if (!dy.is_zero) step.y_grad = uniform_gradient_if_needed(step.y);
    }

    Plan& plan_;
    Array<PlannedValue>& values_;
    const std::vector<bool>& uniform_needs_grad_;
};

}  // namespace

void differentiate(Outline& outline) {
    if (outline.plan.wanted.any()) Differentiation(outline).differentiate();
}

}  // namespace megagrad
