// The last step of planning: a row for every value and gradient, from when it is written until it
// is read for the last time; then the row is another's.
#include <algorithm>
#include <cstdint>

#include "program/plan/derivative.hpp"
#include "program/plan/outline.hpp"
#include "program/plan/plan.hpp"

namespace megagrad {

namespace {

class Rows {
public:
    explicit Rows(Outline& outline)
        : plan_(outline.plan), values_(outline.values), lives_(values_.size(), Life{}) {}

    void give() {
        find_last_uses();
        for (Slot input = 0; input < plan_.inputs.size(); ++input)
            if (lives_[input].last_use > 0) values_[input].slot = new_row();
        for (std::size_t i = 0; i < plan_.steps.size(); ++i)
            go_forward(plan_.steps[i], forward_time(i));
        for (const Output& output : plan_.outputs)
            if (output.is_row) release(output.place, output_time());
        for (const Output& output : plan_.outputs)
            if (output.is_row && output.grad != no_slot) begin_gradient(output.grad);
        for (std::size_t i = plan_.steps.size(); i-- > 0;)
            if (plan_.steps[i].has_gradient) go_backward(plan_.steps[i], backward_time(i));
        put_rows_in_place_of_values();
    }

private:
    struct Life {
        std::uint32_t last_use = 0;
        bool is_over = false;
    };

    // Forward, step i is at time i + 1; then come the outputs; backward, the steps in reverse.
    std::uint32_t forward_time(std::size_t step) const {
        return static_cast<std::uint32_t>(step + 1);
    }
    std::uint32_t output_time() const { return forward_time(plan_.steps.size()); }
    std::uint32_t backward_time(std::size_t step) const {
        return static_cast<std::uint32_t>(2 * plan_.steps.size() + 1 - step);
    }
    void use(Slot value, std::uint32_t time) {
        lives_[value].last_use = std::max(lives_[value].last_use, time);
    }

    // The values that the step needs when it is run backward.
    template <class Visit>
    void for_each_value_backward(const Step& step, Visit visit) {
        if (step.code == affine_code) {
            const Affine& affine = plan_.affines[step.x];
            const Slot* ins = &plan_.slots[affine.in_slots()];
            if (affine.weights_wanted)
                for (std::uint32_t i = 0; i < affine.ins; ++i) visit(ins[i]);
        } else if (step.code == inner_code) {
            const Inner& inner = plan_.inners[step.x];
            const Slot* slots = &plan_.slots[inner.slots];
            for (std::uint32_t i = 0; i < inner.products; ++i, slots += 4) {
                if (slots[3] != no_slot) visit(slots[0] & ~subtracted);
                if (slots[2] != no_slot) visit(slots[1]);
            }
        } else {
            const auto& [dx, dy] = derivatives(step.op());
            const bool x = step.x_grad != no_slot, y = step.y_grad != no_slot;
            const Form form = step.form();
            if (form != Form::uniform_x && ((x && dx.uses_x) || (y && dy.uses_x))) visit(step.x);
            if (form != Form::uniform_y && ((x && dx.uses_y) || (y && dy.uses_y))) visit(step.y);
            if ((x && dx.uses_z) || (y && dy.uses_z)) visit(step.out);
        }
    }

    // The gradients that the step, run backward, adds to.
    template <class Visit>
    void for_each_gradient(Step& step, Visit visit) {
        if (step.code == affine_code) {
            Affine& affine = plan_.affines[step.x];
            Slot* grads = &plan_.slots[affine.in_grad_slots()];
            for (std::uint32_t i = 0; i < affine.ins; ++i)
                if (grads[i] != no_slot) visit(grads[i]);
        } else if (step.code == inner_code) {
            Inner& inner = plan_.inners[step.x];
            Slot* slots = &plan_.slots[inner.slots];
            for (std::uint32_t i = 0; i < inner.products; ++i, slots += 4) {
                if (slots[2] != no_slot) visit(slots[2]);
                if (slots[3] != no_slot) visit(slots[3]);
            }
            if (inner.start_is_row && inner.start_grad != no_slot) visit(inner.start_grad);
        } else {
            if (step.x_grad != no_slot && step.form() != Form::uniform_x) visit(step.x_grad);
            if (step.y_grad != no_slot && step.form() != Form::uniform_y) visit(step.y_grad);
        }
    }

    Slot new_row() {
        if (free_.empty()) return plan_.rows++;
        const Slot row = free_.back();
        free_.pop_back();
        return row;
    }
    void release(Slot value, std::uint32_t time) {
        Life& life = lives_[value];
        if (life.last_use > time || life.is_over) return;
        life.is_over = true;
        free_.push_back(values_[value].slot);
    }
    void begin_gradient(Slot grad) {
        if (grad & first_write) values_[grad & ~first_write].grad = new_row();
    }
    void release_gradient(Slot value) { free_.push_back(values_[value].grad); }

    // Kernels that read all they need of a point before they write it can write over what they
    // read.
    static bool is_in_place(const Step& step) { return step.code < affine_code; }

    void find_last_uses() {
        for (std::size_t i = 0; i < plan_.steps.size(); ++i) {
            Step& step = plan_.steps[i];
            for_each_operand(plan_, step,
                             [&](Slot slot) { use(slot & ~subtracted, forward_time(i)); });
            if (step.has_gradient)
                for_each_value_backward(step, [&](Slot value) { use(value, backward_time(i)); });
        }
        for (const Output& output : plan_.outputs)
            if (output.is_row) use(output.place, output_time());
    }

    void go_forward(Step& step, std::uint32_t time) {
        const auto begin = [&] {
            for_each_out(plan_, step, [&](Slot value) { values_[value].slot = new_row(); });
        };
        const auto end = [&] {
            for_each_operand(plan_, step, [&](Slot slot) { release(slot & ~subtracted, time); });
        };
        if (!is_in_place(step)) begin();
        end();
        if (is_in_place(step)) begin();
    }

    void go_backward(Step& step, std::uint32_t time) {
        const auto begin = [&] {
            for_each_gradient(step, [&](Slot grad) { begin_gradient(grad); });
        };
        const auto end = [&] {
            for_each_value_backward(step, [&](Slot value) { release(value, time); });
            for_each_out(plan_, step, [&](Slot value) { release_gradient(value); });
        };
        if (step.code == affine_code) {
            const Affine& affine = plan_.affines[step.x];
            const Slot* grads = &plan_.slots[affine.out_grad_slots()];
            for (std::uint32_t j = 0; j < affine.outs; ++j) begin_gradient(grads[j]);
        }
        if (!is_in_place(step)) begin();
        end();
        if (is_in_place(step)) begin();
    }

    Slot row_of(Slot value) const {
        return values_[value & ~subtracted].slot | (value & subtracted);
    }
    Slot gradient_row_of(Slot grad) const {
        return grad == no_slot ? no_slot : values_[grad & ~first_write].grad | (grad & first_write);
    }

    void put_rows_in_place_of_values() {
        for (Step& step : plan_.steps) {
            for_each_operand(plan_, step, [&](Slot& value) { value = row_of(value); });
            for_each_gradient(step, [&](Slot& grad) { grad = gradient_row_of(grad); });
            if (step.code == affine_code) {
                const Affine& affine = plan_.affines[step.x];
                Slot* grads = &plan_.slots[affine.out_grad_slots()];
                for (std::uint32_t j = 0; j < affine.outs; ++j)
                    grads[j] = gradient_row_of(grads[j]);
            } else if (step.has_gradient) {
                step.out_grad = values_[step.out].grad;
            }
            for_each_out(plan_, step, [&](Slot& value) { value = row_of(value); });
        }
        for (Output& output : plan_.outputs) {
            if (!output.is_row) continue;
            output.grad = gradient_row_of(output.grad);
            output.place = row_of(output.place);
        }
        for (Slot input = 0; input < plan_.inputs.size(); ++input) {
            plan_.inputs[input] = values_[input].slot;
            plan_.input_grads[input] = values_[input].has_grad ? values_[input].grad : no_slot;
        }
    }

    Plan& plan_;
    Array<PlannedValue>& values_;
    Array<Life> lives_;
    std::vector<Slot> free_;
};

}  // namespace

void give_rows(Outline& outline) { Rows(outline).give(); }

}  // namespace megagrad
