// The first step of planning: from instructions to kernel calls.
#include <algorithm>
#include <cstdint>
#include <utility>

#include "program/plan/outline.hpp"

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
    struct Summand {
        Register a, b;
        bool minus;
        Factors factors;
    };
    // A sum while it is being lowered.
    struct Total {
        Register place;
        bool is_value;
    };

    // An out of an affine call, and the call itself while it is being gathered.
    struct Neuron {
        std::uint32_t group;
        Register bias, out;
        std::size_t weights;  // in weights_; as many as the group has ins
    };
    struct Group {
        std::uint32_t call, in_count, outs;
        std::size_t ins;  // in ins_
    };

    void lower() {
        place_.resize(program_.values());
        values_.resize(program_.inputs, PlannedValue{});
        plan_.inputs.assign(program_.inputs, no_register);
        plan_.input_grads.assign(program_.inputs, no_register);
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
            plan_.outputs.push_back({varying_[id], place_[id], nowhere});
    }

    Register new_uniform(bool needs_grad) {
        uniform_needs_grad_.push_back(needs_grad);
        return plan_.uniforms++;
    }
    Register constant(double number) {
        plan_.constants.push_back(number);
        return new_uniform(false);
    }
    Register new_value(bool needs_grad) {
        values_.emplace_back(PlannedValue{}).needs_grad = needs_grad;
        return static_cast<Register>(values_.size() - 1);
    }

    bool needs_grad(Id id) const {
        return varying_[id] ? values_[place_[id]].needs_grad : uniform_needs_grad_[place_[id]];
    }

    void lower_elementwise(const Instruction& instruction, Id id) {
        const Use* operands = program_.operands_of(instruction);
        const Id x = operands[0].number(), y = instruction.count == 2 ? operands[1].number() : x;
        const OpInfo& entry = info(instruction.op);
        const bool needs =
            (!entry.dx.is_zero && needs_grad(x)) || (!entry.dy.is_zero && needs_grad(y));
        KernelCall call{};
        call.x = place_[x];
        call.y = place_[y];
        Form form = Form::varying;
        if (varying_[id]) {
            if (!varying_[x]) form = Form::uniform_x;
            if (!varying_[y]) form = Form::uniform_y;
            call.out = place_[id] = new_value(needs);
        } else {
            call.out = place_[id] = new_uniform(needs);
            if (entry.kind == Kind::parametric) form = Form::uniform_y;  // the only one it has
        }
        call.code = code_of(instruction.op, form);
        (varying_[id] ? plan_.calls : plan_.once).push_back(call);
    }

    void collect_products(const Instruction& dot) {
        products_.clear();
        const Use* operands = program_.operands_of(dot);
        for (std::uint32_t i = 1; i + 1 < dot.count; i += 2) {
            const bool minus = operands[i].is_subtracted();
            Id a = operands[i].number(), b = operands[i + 1].number();
            if (varying_[a] && !varying_[b]) std::swap(a, b);
            const Factors factors = varying_[a]   ? Factors::values
                                    : varying_[b] ? Factors::mixed
                                                  : Factors::uniform;
            products_.push_back(
                {program_.is_constant(a, 1) ? one_ : place_[a], place_[b], minus, factors});
        }
    }

    // Products are added in the order in which they stand: those of one kind that follow each other
    // at once.
    void lower_dot(const Instruction& dot, Id id) {
        const Id start = program_.operands_of(dot)[0].number();
        collect_products(dot);
        Total total{place_[start], varying_[start]};
        for (auto begin = products_.begin(); begin != products_.end();) {
            const auto end = std::find_if(begin, products_.end(), [&](const Summand& product) {
                return product.factors != begin->factors;
            });
            total = sum(total, {begin, end});
            begin = end;
        }
        place_[id] = total.place;
    }

    Total sum(Total total, std::vector<Summand> products) {
        switch (products[0].factors) {
            case Factors::values:
                return {inner(total, products), true};
            case Factors::mixed:
                if (!total.is_value) return {affine(total.place, products), true};
                if (products.size() == 1 && products[0].a == one_)
                    return {plus(total.place, products[0].b, products[0].minus, Form::varying),
                            true};
                products.insert(products.begin(), {one_, total.place, false, Factors::mixed});
                return {affine(nothing_, products), true};
            default:
                if (!total.is_value) return {inner_of_uniforms(total.place, products), false};
                for (const auto& product : products) {
                    const bool is_single = product.a == one_;
                    const Register number =
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
    Register plus(Register value, Register term, bool minus, Form form) {
        const bool term_needs =
            form == Form::varying ? values_[term].needs_grad : uniform_needs_grad_[term];
        KernelCall call{};
        call.code = code_of(minus ? Op::sub : Op::add, form);
        call.x = value;
        call.y = term;
        call.out = new_value(values_[value].needs_grad || term_needs);
        plan_.calls.push_back(call);
        return call.out;
    }

    // Neurons with the same inputs are one call.
    Register affine(Register bias, const std::vector<Summand>& products) {
        const std::uint32_t group = group_of(products);
        ++groups_[group].outs;
        const Register out = new_value(uniform_needs_grad_[bias] || need_grad(products));
        neurons_.push_back({group, bias, out, weights_.size()});
        for (const Summand& product : products) weights_.push_back({product.a, product.minus});
        return out;
    }

    // One that these inputs have already and that is not far away, or a new one.
    std::uint32_t group_of(const std::vector<Summand>& products) {
        constexpr std::uint32_t most_outs = 64, farthest = 4096;
        std::uint64_t hash = 0xcbf29ce484222325ULL;  // FNV-1a
        for (const Summand& product : products) hash = (hash ^ product.b) * 0x100000001b3ULL;
        std::uint32_t& recent = recent_groups_[(hash >> 32) % recent_groups_.size()];
        if (recent < groups_.size()) {
            const Group& group = groups_[recent];
            if (group.outs < most_outs && plan_.calls.size() - group.call < farthest &&
                has_inputs(group, products))
                return recent;
        }
        recent = static_cast<std::uint32_t>(groups_.size());
        groups_.push_back({static_cast<std::uint32_t>(plan_.calls.size()),
                           static_cast<std::uint32_t>(products.size()), 0, ins_.size()});
        for (const Summand& product : products) ins_.push_back(product.b);
        KernelCall call{};
        call.code = affine_code;
        call.x = recent;
        plan_.calls.push_back(call);
        return recent;
    }

    bool has_inputs(const Group& group, const std::vector<Summand>& products) const {
        const Register* ins = &ins_[group.ins];
        return std::equal(ins, ins + group.in_count, products.begin(), products.end(),
                          [&](Register in, const Summand& product) { return in == product.b; });
    }

    static bool has_repeats(std::vector<Register> registers) {
        std::sort(registers.begin(), registers.end());
        return std::adjacent_find(registers.begin(), registers.end()) != registers.end();
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
            const Register* ins = ins_.data() + group.ins;
            Affine affine;
            affine.outs = group.outs;
            affine.ins = group.in_count;
            Array<Register>& registers = plan_.affine_registers;
            affine.registers = registers.size();
            for (std::uint32_t j = 0; j < group.outs; ++j)
                registers.push_back(neurons_[neuron[j]].out);
            registers.insert(registers.end(), ins, ins + group.in_count);
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
        plan_.affine_gradients.resize(plan_.affine_registers.size(), nowhere);
    }

    Register inner(Total start, const std::vector<Summand>& products) {
        const bool start_needs =
            start.is_value ? values_[start.place].needs_grad : uniform_needs_grad_[start.place];
        const Register out = new_value(start_needs || need_grad(products));
        return add_inner(plan_.calls, products, start, out);
    }

    Register inner_of_uniforms(Register start, const std::vector<Summand>& products) {
        const Register out = new_uniform(uniform_needs_grad_[start] || need_grad(products));
        return add_inner(plan_.once, products, {start, true}, out);
    }

    bool need_grad(const std::vector<Summand>& products) const {
        return std::any_of(products.begin(), products.end(), [&](const Summand& product) {
            const bool a_is_value = product.factors == Factors::values;
            const bool b_is_value = product.factors != Factors::uniform;
            return (a_is_value ? values_[product.a].needs_grad : uniform_needs_grad_[product.a]) ||
                   (b_is_value ? values_[product.b].needs_grad : uniform_needs_grad_[product.b]);
        });
    }

    Register add_inner(Array<KernelCall>& calls, const std::vector<Summand>& products, Total start,
                       Register out) {
        KernelCall call{};
        call.code = inner_code;
        call.x = static_cast<Register>(plan_.inners.size());
        call.out = out;
        calls.push_back(call);
        Inner inner;
        inner.products = static_cast<std::uint32_t>(products.size());
        inner.first = plan_.products.size();
        inner.start_varies = start.is_value;
        inner.start = start.place;
        plan_.inners.push_back(inner);
        for (const auto& [a, b, minus, factors] : products)
            plan_.products.push_back({{a, minus}, b});
        return out;
    }

    void lower_uniform_dot(const Instruction& dot, Id id) {
        collect_products(dot);
        place_[id] = inner_of_uniforms(place_[program_.operands_of(dot)[0].number()], products_);
    }

    const Program& program_;
    const std::vector<bool> varying_;
    Plan plan_;
    Array<PlannedValue> values_;
    std::vector<bool> uniform_needs_grad_;
    Array<Register> place_;  // of a program's value: which value or uniform number it is
    Register nothing_ = 0, one_ = 0;
    std::vector<Summand> products_;  // of the dot being lowered
    Array<Neuron> neurons_;
    Array<Group> groups_;  // one for each affine call
    Array<Register> ins_;
    Array<Factor> weights_;
    std::vector<std::uint32_t> recent_groups_ = std::vector<std::uint32_t>(4096, ~0u);
};

}  // namespace

Outline lower(const Program& program, Wanted wanted) { return Lowering(program, wanted).outline(); }

}  // namespace megagrad
