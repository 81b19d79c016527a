#include "program/record/draft.hpp"

#include <bit>
#include <stdexcept>

namespace megagrad {

void Draft::refuse_if_full() const {
    if (values().size() + constants_.size() >= largest_program)
        throw std::length_error("the graph is too large to be recorded: over 2 billion values");
}

Ref Draft::constant(double number) {
    const auto bits = [](double x) { return std::bit_cast<std::uint64_t>(x); };
    const auto bits_of = [&](std::uint32_t i) { return bits(constants_[i]); };
    const std::uint32_t i = numbers_.find_or_add(
        bits(number), [&](std::uint32_t i) { return bits_of(i) == bits(number); },
        [&] {
            refuse_if_full();
            constants_.push_back(number);
            return static_cast<std::uint32_t>(constants_.size() - 1);
        },
        bits_of);
    return Ref(i, true);
}

Ref Draft::apply(Op op, Ref x, Ref y) {
    ++counts_.recorded;
    if (x.is_constant() && (y == no_ref || y.is_constant())) {
        ++counts_.folded;
        return constant(evaluate(op, number_of(x), y == no_ref ? 0.0 : number_of(y)));
    }
    const std::size_t before = operations_;
    Ref ref = simplified(op, x, y);
    const bool is_simpler = ref != no_ref;
    if (!is_simpler) ref = merged({op, x, y});
    if (operations_ == before) ++(is_simpler ? counts_.folded : counts_.merged);
    return ref;
}

// What gives the same number with less work; no_ref if nothing does.
Ref Draft::simplified(Op op, Ref x, Ref y) {
    switch (op) {
        case Op::mul:
            return is_constant(y, 1) ? x : is_constant(x, 1) ? y : no_ref;
        case Op::div:
            return is_constant(y, 1) ? x : no_ref;
        case Op::pow:
            if (is_constant(y, 0)) return constant(1);
            if (is_constant(y, 1)) return x;
            if (!contract_) return no_ref;  // the library's pow may round these otherwise
            if (is_constant(y, 2)) return merged({Op::mul, x, x});
            if (is_constant(y, -1)) {
                const Ref one = constant(1);
                return merged({Op::div, one, x});
            }
            return no_ref;
        default:
            return no_ref;
    }
}

// The value that is the same as this one, which is appended if there is none.
Ref Draft::merged(const Operation& operation) {
    return Ref(table_.find_or(operation, [&] {
        refuse_if_full();
        ++operations_;
        return table_.append(operation);
    }));
}

}  // namespace megagrad
