// A program while it is being recorded: constants are folded, and equal values merged, as they
// come.
#pragma once

#include <cstdint>

#include "platform/array.hpp"
#include "program/program.hpp"
#include "program/record/value_table.hpp"

namespace megagrad {

class Draft {
public:
    explicit Draft(bool contract) : contract_(contract) {}

    Ref input() { return leaf(input_kind, inputs_++); }
    Ref parameter() { return leaf(parameter_kind, parameters_++); }
    Ref constant(double number);
    // The value of a table op; of a parametric one, y is its parameter, a constant.
    Ref apply(Op op, Ref x, Ref y = no_ref);

    // Of a leaf, x is its kind and y says which one.
    static constexpr Ref input_kind{0}, parameter_kind{1};
    const Array<Operation>& values() const { return table_.values(); }
    const Array<double>& constants() const { return constants_; }
    Id inputs() const { return inputs_; }
    Id parameters() const { return parameters_; }
    bool contract() const { return contract_; }
    const Counts& counts() const { return counts_; }

private:
    double number_of(Ref constant) const { return constants_[constant.number()]; }
    bool is_constant(Ref ref, double number) const {
        return ref.is_constant() && number_of(ref) == number;
    }
    void refuse_if_full() const;
    Ref leaf(Ref kind, Id which) {
        refuse_if_full();
        return Ref(table_.append({Op::leaf, kind, Ref(which)}));
    }
    Ref simplified(Op op, Ref x, Ref y);
    Ref merged(const Operation& operation);

    bool contract_;
    ValueTable table_;
    Array<double> constants_;
    HashTable numbers_;  // the constants
    Id inputs_ = 0, parameters_ = 0;
    std::size_t operations_ = 0;  // how many values are no leaves
    Counts counts_;
};

}  // namespace megagrad
