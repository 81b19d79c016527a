// Rows of operands that are alive, by the list that each was made of.
//
// A row of weights serves for all points of a batch, a vector of inputs for all rows of a matrix. A
// row that was found gathers a gradient in one sum where two rows would make two, so what is found
// must not depend on addresses: runs of a program would differ in the last bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace megagrad::python {

// What rows have for it: the list, or null if the table does not have the row, and the next one of
// the same bucket.
template <class Row>
struct RowLink {
    const void* source = nullptr;
    Row* next = nullptr;
};

// Has the last row for each list, and owns none. Row has a member `link`.
template <class Row>
class RowTable {
public:
    Row* find(const void* source) { return *place(source); }

    // Instead of an earlier row of the same list; may throw std::bad_alloc.
    void put(Row* row, const void* source) {
        if (count_ == buckets_.size()) grow();
        Row** const at = place(source);
        if (*at != nullptr) remove(*at);
        row->link = {source, bucket(source)};
        bucket(source) = row;
        ++count_;
    }

    void remove(Row* row) {
        if (row->link.source == nullptr) return;
        *place(row->link.source) = row->link.next;
        row->link = {};
        --count_;
    }

private:
    std::size_t index(const void* source) const {
        const std::uint64_t mixed = reinterpret_cast<std::uintptr_t>(source) * 0x9E3779B97F4A7C15u;
        return static_cast<std::size_t>(mixed >> 32) & (buckets_.size() - 1);
    }
    Row*& bucket(const void* source) { return buckets_[index(source)]; }

    // Where the row of that list is, or would be at the bucket's end.
    Row** place(const void* source) {
        Row** at = &bucket(source);
        while (*at != nullptr && (*at)->link.source != source) at = &(*at)->link.next;
        return at;
    }

    void grow() {
        std::vector<Row*> old(2 * buckets_.size());
        old.swap(buckets_);
        for (Row* row : old)
            while (row != nullptr) {
                Row* const next = row->link.next;
                row->link.next = bucket(row->link.source);
                bucket(row->link.source) = row;
                row = next;
            }
    }

    std::vector<Row*> buckets_ = std::vector<Row*>(4096);
    std::size_t count_ = 0;
};

}  // namespace megagrad::python
