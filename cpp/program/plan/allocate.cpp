// The last step of planning, register allocation. A value or gradient is alive from when it is
// written until it is read for the last time; then its register is another's.
#include <algorithm>
#include <cstdint>
#include <utility>

#include "program/plan/outline.hpp"

namespace megagrad {

namespace {

// When each value is read for the last time. Forward, call i is at time i + 1; then come the
// outputs; backward, the calls in reverse.
class Liveness {
public:
    explicit Liveness(const Outline& outline)
        : plan_(outline.plan), last_uses_(outline.values.size(), 0) {
        for (std::size_t i = 0; i < plan_.calls.size(); ++i) {
            const KernelCall& call = plan_.calls[i];
            for_each_operand(plan_, call, [&](Register value) { use(value, forward(i)); });
            if (call.has_gradient)
                for_each_value_backward(plan_, call,
                                        [&](Register value) { use(value, backward(i)); });
        }
        for (const Output& output : plan_.outputs)
            if (output.varies) use(output.place, outputs());
    }

    std::uint32_t forward(std::size_t call) const { return static_cast<std::uint32_t>(call + 1); }
    std::uint32_t outputs() const { return forward(plan_.calls.size()); }
    std::uint32_t backward(std::size_t call) const {
        return static_cast<std::uint32_t>(2 * plan_.calls.size() + 1 - call);
    }
    std::uint32_t last_use(Register value) const { return last_uses_[value]; }

    // The values that the call needs when it is run backward.
    template <class Visit>
    static void for_each_value_backward(const Plan& plan, const KernelCall& call, Visit visit) {
        if (call.code == affine_code) {
            const Affine& affine = plan.affines[call.x];
            const Register* ins = &plan.affine_registers[affine.in_registers()];
            if (affine.weights_wanted) std::for_each(ins, ins + affine.ins, visit);
        } else if (call.code == inner_code) {
            const Inner& inner = plan.inners[call.x];
            const Product* product = &plan.products[inner.first];
            for (std::uint32_t i = 0; i < inner.products; ++i, ++product) {
                if (product->b_grad.is_wanted()) visit(product->a.number());
                if (product->a_grad.is_wanted()) visit(product->b);
            }
        } else {
            const auto is_used = [&](bool Slope::* used) {
                const OpInfo& entry = info(call.op());
                return (call.x_grad.is_wanted() && entry.dx.*used) ||
                       (call.y_grad.is_wanted() && entry.dy.*used);
            };
            if (call.form() != Form::uniform_x && is_used(&Slope::uses_x)) visit(call.x);
            if (call.form() != Form::uniform_y && is_used(&Slope::uses_y)) visit(call.y);
            if (is_used(&Slope::uses_z)) visit(call.out);
        }
    }

private:
    void use(Register value, std::uint32_t time) {
        last_uses_[value] = std::max(last_uses_[value], time);
    }

    const Plan& plan_;
    Array<std::uint32_t> last_uses_;
};

// The register of each value and of its gradient.
class Assignment {
public:
    explicit Assignment(const Outline& outline)
        : plan_(outline.plan), liveness_(outline), places_(outline.values.size(), Places{}) {
        for (Register input = 0; input < plan_.inputs.size(); ++input)
            if (liveness_.last_use(input) > 0) places_[input].value = take();
        for (std::size_t i = 0; i < plan_.calls.size(); ++i)
            go_forward(plan_.calls[i], liveness_.forward(i));
        for (const Output& output : plan_.outputs)
            if (output.varies) release(output.place, liveness_.outputs());
        for (const Output& output : plan_.outputs)
            if (output.varies) begin(output.grad);
        for (std::size_t i = plan_.calls.size(); i-- > 0;)
            if (plan_.calls[i].has_gradient) go_backward(plan_.calls[i], liveness_.backward(i));
    }

    Register count() const { return count_; }
    Register value(Register value) const { return places_[value].value; }
    Register gradient(Register value) const { return places_[value].grad; }

private:
    struct Places {
        Register value = no_register, grad = no_register;
        bool is_over = false;
    };

    Register take() {
        if (free_.empty()) return count_++;
        const Register freed = free_.back();
        free_.pop_back();
        return freed;
    }
    void release(Register value, std::uint32_t time) {
        Places& places = places_[value];
        if (liveness_.last_use(value) > time || places.is_over) return;
        places.is_over = true;
        free_.push_back(places.value);
    }
    void begin(Accumulator grad) {
        if (grad.is_wanted() && grad.is_first()) places_[grad.number()].grad = take();
    }

    // Kernels that read all they need of a point before they write it can write over what they
    // read.
    static bool is_in_place(const KernelCall& call) { return call.code < affine_code; }

    void go_forward(const KernelCall& call, std::uint32_t time) {
        const auto begin = [&] {
            for_each_out(plan_, call, [&](Register value) { places_[value].value = take(); });
        };
        if (!is_in_place(call)) begin();
        for_each_operand(plan_, call, [&](Register value) { release(value, time); });
        if (is_in_place(call)) begin();
    }

    void go_backward(const KernelCall& call, std::uint32_t time) {
        if (!is_in_place(call)) begin_gradients(call);
        Liveness::for_each_value_backward(plan_, call,
                                          [&](Register value) { release(value, time); });
        for_each_out(plan_, call, [&](Register value) { free_.push_back(gradient(value)); });
        if (is_in_place(call)) begin_gradients(call);
    }

    // Of the gradients that the call, run backward, adds to.
    void begin_gradients(const KernelCall& call) {
        if (call.code == affine_code) {
            const Affine& affine = plan_.affines[call.x];
            const Accumulator* grads = &plan_.affine_gradients[affine.registers];
            for (std::uint32_t i = 0; i < affine.outs + affine.ins; ++i) begin(grads[i]);
        } else if (call.code == inner_code) {
            const Inner& inner = plan_.inners[call.x];
            const Product* product = &plan_.products[inner.first];
            for (std::uint32_t i = 0; i < inner.products; ++i, ++product) {
                begin(product->a_grad);
                begin(product->b_grad);
            }
            if (inner.start_varies) begin(inner.start_grad);
        } else {
            if (call.form() != Form::uniform_x) begin(call.x_grad);
            if (call.form() != Form::uniform_y) begin(call.y_grad);
        }
    }

    const Plan& plan_;
    const Liveness liveness_;
    Array<Places> places_;
    std::vector<Register> free_;
    Register count_ = 0;
};

// The plan of an outline, with registers in the places of values.
class Rewriting {
public:
    Rewriting(Outline& outline, const Assignment& assignment)
        : plan_(std::move(outline.plan)), values_(outline.values), assignment_(assignment) {}

    Plan plan() {
        plan_.registers = assignment_.count();
        for (KernelCall& call : plan_.calls) rewrite(call);
        for (Output& output : plan_.outputs)
            if (output.varies) output = {true, value(output.place), gradient(output.grad)};
        for (Register input = 0; input < plan_.inputs.size(); ++input) {
            plan_.inputs[input] = value(input);
            if (values_[input].has_grad) plan_.input_grads[input] = assignment_.gradient(input);
        }
        return std::move(plan_);
    }

private:
    Register value(Register value) const { return assignment_.value(value); }
    Accumulator gradient(Accumulator grad) const {
        if (!grad.is_wanted()) return grad;
        return {assignment_.gradient(grad.number()), grad.is_first()};
    }

    void rewrite(KernelCall& call) {
        if (call.code == affine_code) return rewrite(plan_.affines[call.x]);
        if (call.has_gradient) call.out_grad = assignment_.gradient(call.out);
        call.out = value(call.out);
        if (call.code == inner_code) return rewrite(plan_.inners[call.x]);
        if (call.form() != Form::uniform_x) {
            call.x = value(call.x);
            call.x_grad = gradient(call.x_grad);
        }
        if (call.form() != Form::uniform_y) {
            call.y = value(call.y);
            call.y_grad = gradient(call.y_grad);
        }
    }

    void rewrite(const Affine& affine) {
        for (std::uint32_t i = 0; i < affine.outs + affine.ins; ++i) {
            Register& place = plan_.affine_registers[affine.registers + i];
            place = value(place);
            Accumulator& grad = plan_.affine_gradients[affine.registers + i];
            grad = gradient(grad);
        }
    }

    void rewrite(Inner& inner) {
        Product* product = &plan_.products[inner.first];
        for (std::uint32_t i = 0; i < inner.products; ++i, ++product)
            *product = {{value(product->a.number()), product->a.is_subtracted()},
                        value(product->b),
                        gradient(product->a_grad),
                        gradient(product->b_grad)};
        if (!inner.start_varies) return;
        inner.start = value(inner.start);
        inner.start_grad = gradient(inner.start_grad);
    }

    Plan plan_;
    const Array<PlannedValue>& values_;
    const Assignment& assignment_;
};

// The more points a kernel has, the less it matters what calling it costs; registers may fill most
// of a second-level cache for that.
std::size_t points_of_a_block(Register registers) {
    constexpr std::size_t bytes = std::size_t{2} << 20, least = 8, most = 128;
    const std::size_t points = bytes / (sizeof(double) * std::max<std::size_t>(registers, 1));
    return std::clamp(points / least * least, least, most);
}

}  // namespace

Plan allocate(Outline outline) {
    const Assignment assignment(outline);
    Plan plan = Rewriting(outline, assignment).plan();
    plan.points = points_of_a_block(plan.registers);
    return plan;
}

}  // namespace megagrad
