// The second step of planning: which steps are run backward, and what they add to.
#include "derivative.hpp"
#include "plan.hpp"

namespace megagrad {

namespace {

class Differentiation {
public:
    explicit Differentiation(Outline& outline)
        : plan_(outline.plan),
          values_(outline.values),
          uniform_needs_grad_(outline.uniform_needs_grad) {}

    // A gradient of a row, that the step adds to; the first one to do so writes it.
    Slot gradient_of(Slot value) {
        const bool first = !values_[value].has_grad;
        values_[value].has_grad = true;
        return value | (first ? first_write : 0);
    }
    Slot cell_of(Slot uniform) {
        plan_.cells.push_back({uniform});
        return static_cast<Slot>(plan_.cells.size() - 1);
    }
    Slot gradient_of_uniform(Slot uniform) const { return uniform + plan_.uniforms; }

    void differentiate() {
        for (Output& output : plan_.outputs) {
            if (output.is_row && values_[output.place].needs_grad)
                output.grad = gradient_of(output.place);
            if (!output.is_row && uniform_needs_grad_[output.place])
                output.grad = gradient_of_uniform(output.place);
        }
        for (std::size_t i = plan_.steps.size(); i-- > 0;) differentiate(plan_.steps[i]);
        for (Step& step : plan_.once) differentiate_uniform(step);
    }

    void differentiate(Step& step) {
        if (step.code == affine_code) return differentiate_affine(step);
        if (!values_[step.out].needs_grad || !values_[step.out].has_grad) return;
        step.has_gradient = true;
        step.out_grad = step.out;
        if (step.code == inner_code) return differentiate_inner(step);
        const auto& [dx, dy] = derivatives(step.op());
        const Form form = step.form();
        if (!dx.is_zero) {
            if (form != Form::uniform_x && values_[step.x].needs_grad)
                step.x_grad = gradient_of(step.x);
            if (form == Form::uniform_x && uniform_needs_grad_[step.x])
                step.x_grad = cell_of(step.x);
        }
        if (!dy.is_zero) {
            if (form != Form::uniform_y && values_[step.y].needs_grad)
                step.y_grad = gradient_of(step.y);
            if (form == Form::uniform_y && uniform_needs_grad_[step.y])
                step.y_grad = cell_of(step.y);
        }
    }

    void differentiate_affine(Step& step) {
        Affine& affine = plan_.affines[step.x];
        Slot* outs = &plan_.slots[affine.slots];
        Slot *ins = outs + affine.outs, *out_grads = ins + affine.ins,
             *in_grads = out_grads + affine.outs;
        for (std::uint32_t j = 0; j < affine.outs; ++j)
            step.has_gradient |= values_[outs[j]].needs_grad && values_[outs[j]].has_grad;
        if (!step.has_gradient) return;
        // Outs that nothing differentiates have the gradient 0 all the same.
        for (std::uint32_t j = 0; j < affine.outs; ++j) out_grads[j] = gradient_of(outs[j]);
        for (std::size_t i = affine.weights; i < affine.biases() + affine.outs; ++i)
            affine.weights_wanted |= uniform_needs_grad_[plan_.cells[i].uniform & ~subtracted];
        for (std::uint32_t i = 0; i < affine.ins; ++i) {
            if (!values_[ins[i]].needs_grad) continue;
            affine.inputs_wanted = true;
            in_grads[i] = gradient_of(ins[i]);
        }
    }

    void differentiate_inner(Step& step) {
        Inner& inner = plan_.inners[step.x];
        Slot* slots = &plan_.slots[inner.slots];
        for (std::uint32_t i = 0; i < inner.products; ++i, slots += 4) {
            if (values_[slots[0] & ~subtracted].needs_grad)
                slots[2] = gradient_of(slots[0] & ~subtracted);
            if (values_[slots[1]].needs_grad) slots[3] = gradient_of(slots[1]);
        }
        if (inner.start_is_row && values_[inner.start].needs_grad)
            inner.start_grad = gradient_of(inner.start);
        if (!inner.start_is_row && uniform_needs_grad_[inner.start])
            inner.start_grad = cell_of(inner.start);
    }

    // Uniform gradients begin with what rows left there, and are only added to.
    void differentiate_uniform(Step& step) {
        if (!uniform_needs_grad_[step.out]) return;
        step.has_gradient = true;
        step.out_grad = gradient_of_uniform(step.out);
        if (step.code == inner_code) {
            Inner& inner = plan_.inners[step.x];
            Slot* slots = &plan_.slots[inner.slots];
            for (std::uint32_t i = 0; i < inner.products; ++i, slots += 4)
                for (int side = 0; side < 2; ++side)
                    if (const Slot factor = slots[side] & ~subtracted; uniform_needs_grad_[factor])
                        slots[2 + side] = gradient_of_uniform(factor);
            if (uniform_needs_grad_[inner.start])
                inner.start_grad = gradient_of_uniform(inner.start);
            return;
        }
        const auto& [dx, dy] = derivatives(step.op());
        if (!dx.is_zero && uniform_needs_grad_[step.x]) step.x_grad = gradient_of_uniform(step.x);
        if (!dy.is_zero && uniform_needs_grad_[step.y]) step.y_grad = gradient_of_uniform(step.y);
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
