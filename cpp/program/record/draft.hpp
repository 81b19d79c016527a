// A program while it is being recorded: constants are folded and equal values merged as they come.
#pragma once

#include <cstdint>
#include <vector>

#include "graph/op.hpp"
#include "platform/array.hpp"
#include "program/program.hpp"
#include "program/record/value_table.hpp"

namespace megagrad {

class Draft {
public:
    enum class Leaf : Id { input, parameter };

    // A value that is no constant, numbered in the order of making. Of an operation, x and y are
    // its operands (y: no operand if it has one); of a leaf, what it is and which one.
    struct Entry {
        Op op;
        Id x, y;
    };
    static constexpr Id no_operand = no_id;
    // The Id of a constant has this bit, and says which one.
    static constexpr Id constant_bit = Id{1} << 31;

    explicit Draft(bool contract) : contract_(contract) {}

    static bool is_constant(Id id) { return (id & constant_bit) != 0 && id != no_operand; }
    static std::size_t index_of_constant(Id id) { return id & ~constant_bit; }

    Id input() { return append({Op::leaf, static_cast<Id>(Leaf::input), inputs_++}); }
    Id parameter() { return append({Op::leaf, static_cast<Id>(Leaf::parameter), parameters_++}); }
    Id constant(double number);
    // The value of a table op; of a parametric one, y is its parameter, a constant.
    Id apply(Op op, Id x, Id y = no_operand);

    // The program that computes `outputs`, with sums of products found.
    Program finish(const std::vector<Id>& outputs) const;

    const Array<Entry>& entries() const { return entries_; }
    const Array<double>& constants() const { return constants_; }
    Id inputs() const { return inputs_; }
    Id parameters() const { return parameters_; }
    bool contract() const { return contract_; }
    const Counts& counts() const { return counts_; }

private:
    double number_of(Id constant) const { return constants_[index_of_constant(constant)]; }
    bool is_constant(Id id, double number) const {
        return is_constant(id) && number_of(id) == number;
    }
    void refuse_if_full() const;
    Id append(const Entry& entry);
    Id simplified(Op op, Id x, Id y);
    Id merged(const Entry& entry);
    Id* place_near(const Entry& entry);
    void make_room_near();

    bool contract_;
    Array<Entry> entries_;
    Array<double> constants_;
    Id inputs_ = 0, parameters_ = 0;
    // Operations by what they are: near the later operand, or else anywhere.
    Array<Id> near_;
    IdTable elsewhere_;
    IdTable numbers_;             // the constants
    std::size_t operations_ = 0;  // how many entries are no leaves
    Counts counts_;
};

}  // namespace megagrad
