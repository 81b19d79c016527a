// The third step of planning: which calls are run backward, and what they add to.
#include "program/plan/outline.hpp"

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
            output.grad = output.varies ? gradient_if_needed(output.place)
                                        : uniform_gradient_if_needed(output.place);
        }
        for (std::size_t i = plan_.calls.size(); i-- > 0;) differentiate(plan_.calls[i]);
        for (KernelCall& call : plan_.once) differentiate_uniform(call);
    }

private:
    // Of a value, which the call adds to; the first one to do so writes it.
    Accumulator gradient_of(Register value) {
        const bool is_first = !values_[value].has_grad;
        values_[value].has_grad = true;
        return {value, is_first};
    }
    Accumulator gradient_if_needed(Register value) {
        return values_[value].needs_grad ? gradient_of(value) : nowhere;
    }
    Accumulator cell_if_needed(Register uniform) {
        if (!uniform_needs_grad_[uniform]) return nowhere;
        plan_.cells.push_back({uniform});
        return {static_cast<Register>(plan_.cells.size() - 1), false};
    }
    Accumulator uniform_gradient_if_needed(Register uniform) const {
        if (!uniform_needs_grad_[uniform]) return nowhere;
        return {uniform + plan_.uniforms, false};
    }

    void differentiate(KernelCall& call) {
        if (call.code == affine_code) return differentiate_affine(call);
        if (!values_[call.out].needs_grad || !values_[call.out].has_grad) return;
        call.has_gradient = true;
        call.out_grad = call.out;
        if (call.code == inner_code) return differentiate_inner(call);
        const Slope &dx = info(call.op()).dx, &dy = info(call.op()).dy;
        const Form form = call.form();
        if (!dx.is_zero)
            call.x_grad =
                form == Form::uniform_x ? cell_if_needed(call.x) : gradient_if_needed(call.x);
        if (!dy.is_zero)
            call.y_grad =
                form == Form::uniform_y ? cell_if_needed(call.y) : gradient_if_needed(call.y);
    }

    void differentiate_affine(KernelCall& call) {
        Affine& affine = plan_.affines[call.x];
        const Register *outs = &plan_.affine_registers[affine.registers], *ins = outs + affine.outs;
        Accumulator *out_grads = &plan_.affine_gradients[affine.registers],
                    *in_grads = out_grads + affine.outs;
        for (std::uint32_t j = 0; j < affine.outs; ++j)
            call.has_gradient |= values_[outs[j]].needs_grad && values_[outs[j]].has_grad;
        if (!call.has_gradient) return;
        // Outs that nothing differentiates have the gradient 0 all the same.
        for (std::uint32_t j = 0; j < affine.outs; ++j) out_grads[j] = gradient_of(outs[j]);
        for (std::size_t i = affine.weights; i < affine.biases() + affine.outs; ++i)
            affine.weights_wanted |= uniform_needs_grad_[plan_.cells[i].uniform.number()];
        for (std::uint32_t i = 0; i < affine.ins; ++i) {
            in_grads[i] = gradient_if_needed(ins[i]);
            affine.inputs_wanted |= in_grads[i].is_wanted();
        }
    }

    void differentiate_inner(KernelCall& call) {
        Inner& inner = plan_.inners[call.x];
        Product* product = &plan_.products[inner.first];
        for (std::uint32_t i = 0; i < inner.products; ++i, ++product) {
            product->a_grad = gradient_if_needed(product->a.number());
            product->b_grad = gradient_if_needed(product->b);
        }
        inner.start_grad =
            inner.start_varies ? gradient_if_needed(inner.start) : cell_if_needed(inner.start);
    }

    // Uniform gradients begin with what the points left there, and are only added to.
    void differentiate_uniform(KernelCall& call) {
        if (!uniform_needs_grad_[call.out]) return;
        call.has_gradient = true;
        call.out_grad = call.out + plan_.uniforms;
        if (call.code == inner_code) {
            Inner& inner = plan_.inners[call.x];
            Product* product = &plan_.products[inner.first];
            for (std::uint32_t i = 0; i < inner.products; ++i, ++product) {
                product->a_grad = uniform_gradient_if_needed(product->a.number());
                product->b_grad = uniform_gradient_if_needed(product->b);
            }
            inner.start_grad = uniform_gradient_if_needed(inner.start);
            return;
        }
        const Slope &dx = info(call.op()).dx, &dy = info(call.op()).dy;
        if (!dx.is_zero) call.x_grad = uniform_gradient_if_needed(call.x);
        if (!dy.is_zero) call.y_grad = uniform_gradient_if_needed(call.y);
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
