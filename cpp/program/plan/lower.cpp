// The first step of planning: from instructions to steps.
#include <algorithm>
#include <cstdint>
#include <utility>

#include "program/plan/derivative.hpp"
#include "program/plan/plan.hpp"

namespace megagrad {

namespace {

class Lowering {
public:
    Lowering(const Program& program, Wanted wanted)
        : program_(program), varying_(varying_values(program)) {
        plan_.wanted = wanted;
        plan_.contract = program.contract;
        plan_.parameters = program.parameters;
    }

    Outline outline() {
        lower();
        write_affines();
        return {std::move(plan_), std::move(values_), std::move(uniform_needs_grad_)};
    }

private:
    // Of uniform numbers or of values, where they are kept; a uniform factor is the first. One that
    // is a single number has `one_` as its first factor.
    enum class Factors { uniform, mixed, values };
    struct Product {
        Slot a, b;
        bool minus;
        Factors factors;
    };
    // A sum while it is being lowered.
    struct Total {
        Slot place;
        bool is_value;
    };

    // An out of an affine step, and the step itself while it is being gathered.
    struct Neuron {
        std::uint32_t group;
        Slot bias, out;
        std::size_t weights;  // in weights_; as many as the group has ins
    };
    struct Group {
        std::uint32_t step, in_count, outs;
        std::size_t ins;  // in ins_
    };

    void lower() {
        place_.resize(program_.values());
        values_.resize(program_.inputs, PlannedValue{});
        plan_.inputs.assign(program_.inputs, no_slot);
        plan_.input_grads.assign(program_.inputs, no_slot);
        for (Id id = 0; id < program_.inputs; ++id) {
            place_[id] = id;
            values_[id].needs_grad = plan_.wanted.inputs;
        }
        for (Id i = 0; i < program_.parameters; ++i)
            place_[program_.inputs + i] = new_uniform(plan_.wanted.parameters);
        plan_.constants = program_.constants;
        for (Id i = 0; i < program_.constants.size(); ++i)
            place_[program_.first_constant() + i] = new_uniform(false);
        nothing_ = constant(-0.0);
        one_ = constant(1.0);
        for (Id i = 0; i < program_.instructions.size(); ++i) {
            const Instruction& instruction = program_.instructions[i];
            const Id id = program_.first_result() + i;
            if (instruction.op == Op::dot)
                varying_[id] ? lower_dot(instruction, id) : lower_uniform_dot(instruction, id);
            else
                lower_elementwise(instruction, id);
        }
        for (const Id id : program_.outputs)
            plan_.outputs.push_back({varying_[id], place_[id], no_slot});
    }

    Slot new_uniform(bool needs_grad) {
        uniform_needs_grad_.push_back(needs_grad);
        return plan_.uniforms++;
    }
    Slot constant(double number) {
        plan_.constants.push_back(number);
        return new_uniform(false);
    }
    Slot new_value(bool needs_grad) {
        values_.emplace_back(PlannedValue{}).needs_grad = needs_grad;
        return static_cast<Slot>(values_.size() - 1);
    }

    bool needs_grad(Id id) const {
        return varying_[id] ? values_[place_[id]].needs_grad : uniform_needs_grad_[place_[id]];
    }

    void lower_elementwise(const Instruction& instruction, Id id) {
        const Id* operands = program_.operands_of(instruction);
        const bool binary = instruction.count == 2;
        const Id x = operands[0], y = binary ? operands[1] : x;
        const auto& [dx, dy] = derivatives(instruction.op);
        const bool needs = (!dx.is_zero && needs_grad(x)) || (!dy.is_zero && needs_grad(y));
        Step step{};
        step.x = place_[x];
        step.y = place_[y];
        Form form = Form::rows;
        if (varying_[id]) {
            if (!varying_[x]) form = Form::uniform_x;
            if (!varying_[y]) form = Form::uniform_y;
            step.out = place_[id] = new_value(needs);
        } else {
            step.out = place_[id] = new_uniform(needs);
            // A parameter of an op has no operand's place among rows.
            if (info(instruction.op).kind == Kind::parametric) form = Form::uniform_y;
        }
        step.code = code_of(instruction.op, form);
        (varying_[id] ? plan_.steps : plan_.once).push_back(step);
    }

    void collect_products(const Instruction& dot) {
        products_.clear();
        const Id* operands = program_.operands_of(dot);
        for (std::uint32_t i = 1; i + 1 < dot.count; i += 2) {
            const bool minus = (operands[i] & subtracted) != 0;
            Id a = operands[i] & ~subtracted, b = operands[i + 1];
            if (varying_[a] && !varying_[b]) std::swap(a, b);
            const Factors factors = varying_[a]   ? Factors::values
                                    : varying_[b] ? Factors::mixed
                                                  : Factors::uniform;
            products_.push_back({is_one(a) ? one_ : place_[a], place_[b], minus, factors});
        }
    }
    bool is_one(Id id) const {
        return id >= program_.first_constant() && id < program_.first_result() &&
               program_.constants[id - program_.first_constant()] == 1;
    }

    // Products are added in the order in which they stand: those of one kind that follow each other
    // at once.
    void lower_dot(const Instruction& dot, Id id) {
        const Id start = program_.operands_of(dot)[0];
        collect_products(dot);
        Total total{place_[start], varying_[start]};
        for (auto begin = products_.begin(); begin != products_.end();) {
            const auto end = std::find_if(begin, products_.end(), [&](const Product& product) {
                return product.factors != begin->factors;
            });
            total = sum(total, {begin, end});
            begin = end;
        }
        place_[id] = total.place;
    }

    Total sum(Total total, std::vector<Product> products) {
        switch (products[0].factors) {
            case Factors::values:
                return {inner(total, products), true};
            case Factors::mixed:
                if (!total.is_value) return {affine(total.place, products), true};
                if (products.size() == 1 && products[0].a == one_)
                    return {plus(total.place, products[0].b, products[0].minus, Form::rows), true};
                products.insert(products.begin(), {one_, total.place, false, Factors::mixed});
                return {affine(nothing_, products), true};
            default:
                if (!total.is_value) return {inner_of_uniforms(total.place, products), false};
                for (const auto& product : products) {
                    const bool is_single = product.a == one_;
                    const Slot number =
                        is_single
                            ? product.b
                            : inner_of_uniforms(nothing_,
                                                {{product.a, product.b, false, Factors::uniform}});
                    total.place = plus(total.place, number, product.minus, Form::uniform_y);
                }
                return total;
        }
    }

    // A value and one more term.
    Slot plus(Slot value, Slot term, bool minus, Form form) {
        const bool term_needs =
            form == Form::rows ? values_[term].needs_grad : uniform_needs_grad_[term];
        Step step{};
        step.code = code_of(minus ? Op::sub : Op::add, form);
        step.x = value;
        step.y = term;
        step.out = new_value(values_[value].needs_grad || term_needs);
        plan_.steps.push_back(step);
        return step.out;
    }

    // Neurons with the same inputs are one step.
    Slot affine(Slot bias, const std::vector<Product>& products) {
        const std::uint32_t group = group_of(products);
        ++groups_[group].outs;
        const Slot out = new_value(uniform_needs_grad_[bias] || need_grad(products));
        neurons_.push_back({group, bias, out, weights_.size()});
        for (const Product& product : products)
            weights_.push_back(product.a | (product.minus ? subtracted : 0));
        return out;
    }

    // One that these inputs have already and that is not far away, or a new one.
    std::uint32_t group_of(const std::vector<Product>& products) {
        constexpr std::uint32_t most_outs = 64, farthest = 4096;
        std::uint64_t hash = 0xcbf29ce484222325ULL;  // FNV-1a
        for (const Product& product : products) hash = (hash ^ product.b) * 0x100000001b3ULL;
        std::uint32_t& recent = recent_groups_[(hash >> 32) % recent_groups_.size()];
        if (recent < groups_.size()) {
            const Group& group = groups_[recent];
            if (group.outs < most_outs && plan_.steps.size() - group.step < farthest &&
                has_inputs(group, products))
                return recent;
        }
        recent = static_cast<std::uint32_t>(groups_.size());
        groups_.push_back({static_cast<std::uint32_t>(plan_.steps.size()),
                           static_cast<std::uint32_t>(products.size()), 0, ins_.size()});
        for (const Product& product : products) ins_.push_back(product.b);
        Step step{};
        step.code = affine_code;
        step.x = recent;
        plan_.steps.push_back(step);
        return recent;
    }

    bool has_inputs(const Group& group, const std::vector<Product>& products) const {
        const Slot* ins = &ins_[group.ins];
        return std::equal(ins, ins + group.in_count, products.begin(), products.end(),
                          [&](Slot in, const Product& product) { return in == product.b; });
    }

    static bool has_repeats(std::vector<Slot> slots) {
        std::sort(slots.begin(), slots.end());
        return std::adjacent_find(slots.begin(), slots.end()) != slots.end();
    }

    // By group, in the order in which they came.
    Array<std::uint32_t> sorted_neurons() const {
        Array<std::uint32_t> next, sorted(neurons_.size());
        std::uint32_t count = 0;
        for (const Group& group : groups_) next.push_back(std::exchange(count, count + group.outs));
        for (std::uint32_t i = 0; i < neurons_.size(); ++i) sorted[next[neurons_[i].group]++] = i;
        return sorted;
    }

    void write_affines() {
        const Array<std::uint32_t> sorted = sorted_neurons();
        const std::uint32_t* neuron = sorted.data();
        for (const Group& group : groups_) {
            const Slot* ins = ins_.data() + group.ins;
            Affine affine;
            affine.outs = group.outs;
            affine.ins = group.in_count;
            affine.slots = plan_.slots.size();
            for (std::uint32_t j = 0; j < group.outs; ++j)
                plan_.slots.push_back(neurons_[neuron[j]].out);
            plan_.slots.insert(plan_.slots.end(), ins, ins + group.in_count);
            plan_.slots.insert(plan_.slots.end(), std::size_t{group.outs} + group.in_count,
                               no_slot);
            affine.has_repeated_ins = has_repeats({ins, ins + group.in_count});
            affine.weights = plan_.cells.size();
            for (std::uint32_t j = 0; j < group.outs; ++j)
                for (std::uint32_t i = 0; i < group.in_count; ++i)
                    plan_.cells.push_back({weights_[neurons_[neuron[j]].weights + i]});
            for (std::uint32_t j = 0; j < group.outs; ++j)
                plan_.cells.push_back({neurons_[neuron[j]].bias});
            plan_.affines.push_back(affine);
            neuron += group.outs;
        }
    }

    Slot inner(Total start, const std::vector<Product>& products) {
        const bool start_needs =
            start.is_value ? values_[start.place].needs_grad : uniform_needs_grad_[start.place];
        const Slot out = new_value(start_needs || need_grad(products));
        return add_inner(plan_.steps, products, start, out);
    }

    Slot inner_of_uniforms(Slot start, const std::vector<Product>& products) {
        const Slot out = new_uniform(uniform_needs_grad_[start] || need_grad(products));
        return add_inner(plan_.once, products, {start, true}, out);
    }

    bool need_grad(const std::vector<Product>& products) const {
        return std::any_of(products.begin(), products.end(), [&](const Product& product) {
            const bool a_is_value = product.factors == Factors::values;
            const bool b_is_value = product.factors != Factors::uniform;
            return (a_is_value ? values_[product.a].needs_grad : uniform_needs_grad_[product.a]) ||
                   (b_is_value ? values_[product.b].needs_grad : uniform_needs_grad_[product.b]);
        });
    }

    Slot add_inner(Array<Step>& steps, const std::vector<Product>& products, Total start,
                   Slot out) {
        Step step{};
        step.code = inner_code;
        step.x = static_cast<Slot>(plan_.inners.size());
        step.out = out;
        steps.push_back(step);
        Inner inner;
        inner.products = static_cast<std::uint32_t>(products.size());
        inner.slots = plan_.slots.size();
        inner.start_is_row = start.is_value;
        inner.start = start.place;
        plan_.inners.push_back(inner);
        for (const Product& product : products) {
            plan_.slots.push_back(product.a | (product.minus ? subtracted : 0));
            plan_.slots.push_back(product.b);
            plan_.slots.insert(plan_.slots.end(), 2, no_slot);
        }
        return out;
    }

    void lower_uniform_dot(const Instruction& dot, Id id) {
        collect_products(dot);
        place_[id] = inner_of_uniforms(place_[program_.operands_of(dot)[0]], products_);
    }

    const Program& program_;
    const std::vector<bool> varying_;
    Plan plan_;
    Array<PlannedValue> values_;
    std::vector<bool> uniform_needs_grad_;
    Array<Slot> place_;  // of a program's value: which value or uniform number it is
    Slot nothing_ = 0, one_ = 0;
    std::vector<Product> products_;  // of the dot being lowered
    Array<Neuron> neurons_;
    Array<Group> groups_;  // one for each affine step
    Array<Slot> ins_, weights_;
    std::vector<std::uint32_t> recent_groups_ = std::vector<std::uint32_t>(4096, ~0u);
};

}  // namespace

Outline outline(const Program& program, Wanted wanted) {
    return Lowering(program, wanted).outline();
}

}  // namespace megagrad
