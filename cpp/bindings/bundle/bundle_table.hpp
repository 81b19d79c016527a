// Rows of operands that are alive, by what is in them.
//
// A row of weights serves for all points of a batch, a vector of inputs for all rows of a matrix. A
// row that was found gathers a gradient in one sum where two rows would make two, so what is found
// must not depend on addresses: runs of a program would differ in the last bits. So the key is made
// of operands that the row keeps alive, and no row displaces another one's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace megagrad::python {

// What rows have for it: the key, or 0 if the table does not have the row, and the next one of the
// same bucket.
template <class Row>
struct RowLink {
    std::uint64_t key = 0;
    Row* next = nullptr;
};

// Has the last row of each key, and owns none. Row has a member `link`.
template <class Row>
class RowTable {
public:
    Row* find(std::uint64_t key) { return *place(key); }

    // Instead of an earlier row of the same key; may throw std::bad_alloc.
    void put(Row* row, std::uint64_t key) {
        if (count_ == buckets_.size()) grow();
        if (Row* const earlier = find(key)) remove(earlier);
        row->link = {key, bucket(key)};
        bucket(key) = row;
        ++count_;
    }

    void remove(Row* row) {
        if (row->link.key == 0) return;
        *place(row->link.key) = row->link.next;
        row->link = {};
        --count_;
    }

private:
    Row*& bucket(std::uint64_t key) { return buckets_[(key >> 32) & (buckets_.size() - 1)]; }

    // Where the row of that key is, or would be at the bucket's end.
    Row** place(std::uint64_t key) {
        Row** at = &bucket(key);
        while (*at != nullptr && (*at)->link.key != key) at = &(*at)->link.next;
        return at;
    }

    void grow() {
        std::vector<Row*> old(2 * buckets_.size());
        old.swap(buckets_);
        for (Row* row : old)
            while (row != nullptr) {
                Row* const next = row->link.next;
                row->link.next = bucket(row->link.key);
                bucket(row->link.key) = row;
                row = next;
            }
    }

    std::vector<Row*> buckets_ = std::vector<Row*>(4096);
    std::size_t count_ = 0;
};

}  // namespace megagrad::python
