// A program while it is being recorded: constants are folded and equal values merged as they come.
#pragma once

#include <cstdint>
#include <vector>

#include "array.hpp"
#include "op.hpp"
#include "program.hpp"

namespace megagrad {

class Draft {
public:
    enum class Leaf : Id { input, parameter, constant };

    // A value, numbered in the order of making. Of an operation, x and y are its operands (y: no
    // operand if it has one); of a leaf, what it is and which one.
    struct Entry {
        Op op;
        Id x, y;
    };
    static constexpr Id no_operand = ~Id{0};

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
    const Counts& counts() const { return counts_; }
    bool is_constant(Id id) const { return is(Leaf::constant, entries_[id]); }

private:
    static bool is(Leaf kind, const Entry& entry) {
        return entry.op == Op::leaf && entry.x == static_cast<Id>(kind);
    }
    bool is_constant(Id id, double number) const {
        return is_constant(id) && number_of(id) == number;
    }
    double number_of(Id id) const { return constants_[entries_[id].y]; }
    Id append(const Entry& entry);
    Id simplified(Op op, Id x, Id y);
    Id merged(const Entry& entry);
    Id* place_near(const Entry& entry);
    Id* place_elsewhere(const Entry& entry);
    bool has_or_is_free(Id place, const Entry& entry) const;
    bool is_same(const Entry& a, const Entry& b) const;
    void make_room_near();
    void make_room_elsewhere();

    Array<Entry> entries_;
    Array<double> constants_;
    Id inputs_ = 0, parameters_ = 0;
    // Entries by what they are; empty places are no_operand.
    Array<Id> near_;              // by the later operand
    Array<Id> elsewhere_;         // at random
    std::size_t listed_ = 0;      // how many are elsewhere
    std::size_t operations_ = 0;  // how many entries are no leaves
    Counts counts_;
};

}  // namespace megagrad
