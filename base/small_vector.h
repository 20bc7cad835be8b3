#pragma once

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <type_traits>
#include <utility>

namespace coterie {

/// A vector of plain values that needs no allocation for up to `inline_count` of them, the usual
/// few; beyond that it is one that grows. Iterators are invalid after whatever may grow or move it.
template <class T, std::size_t inline_count>
requires std::is_trivially_destructible_v<T> && std::is_trivially_copy_constructible_v<T>
class SmallVector {
 public:
  using value_type = T;
  using iterator = T*;
  using const_iterator = const T*;

  SmallVector() = default;
  SmallVector(std::initializer_list<T> values) { append(values.begin(), values.end()); }
  template <std::forward_iterator Iterator>
  SmallVector(Iterator first, Iterator last) {
    append(first, last);
  }
  SmallVector(const SmallVector& other) { append(other.begin(), other.end()); }
  SmallVector(SmallVector&& other) noexcept { take(other); }
  SmallVector& operator=(const SmallVector& other) {
    if (this == &other) return *this;
    size_ = 0;
    append(other.begin(), other.end());
    return *this;
  }
  SmallVector& operator=(SmallVector&& other) noexcept {
    if (this == &other) return *this;
    release();
    take(other);
    return *this;
  }
  ~SmallVector() { release(); }

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t capacity() const { return capacity_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] T* data() { return data_; }
  [[nodiscard]] const T* data() const { return data_; }
  [[nodiscard]] T* begin() { return data_; }
  [[nodiscard]] T* end() { return data_ + size_; }
  [[nodiscard]] const T* begin() const { return data_; }
  [[nodiscard]] const T* end() const { return data_ + size_; }
  [[nodiscard]] T& operator[](std::size_t i) { return data_[i]; }
  [[nodiscard]] const T& operator[](std::size_t i) const { return data_[i]; }
  [[nodiscard]] T& front() { return data_[0]; }
  [[nodiscard]] const T& front() const { return data_[0]; }
  [[nodiscard]] T& back() { return data_[size_ - 1]; }
  [[nodiscard]] const T& back() const { return data_[size_ - 1]; }

  void reserve(std::size_t count) {
    if (count > capacity_) grow(count);
  }
  void clear() { size_ = 0; }
  void resize(std::size_t count) {
    reserve(count);
    for (; size_ < count; ++size_) std::construct_at(data_ + size_);
    size_ = count;
  }
  void push_back(const T& value) {
    const T copy = value;  // may lie in what grow() frees
    if (size_ == capacity_) grow(2 * capacity_);
    std::construct_at(data_ + size_, copy);
    ++size_;
  }
  void pop_back() { --size_; }
  template <class... Arguments>
  void emplace_back(Arguments&&... arguments) {
    push_back(T(std::forward<Arguments>(arguments)...));
  }
  template <std::forward_iterator Iterator>
  void append(Iterator first, Iterator last) {
    reserve(size_ + static_cast<std::size_t>(std::distance(first, last)));
    std::uninitialized_copy(first, last, data_ + size_);
    size_ += static_cast<std::size_t>(std::distance(first, last));
  }
  void insert(const T* before, const T& value) {
    const std::size_t at = static_cast<std::size_t>(before - data_);
    push_back(value);
    std::rotate(data_ + at, data_ + size_ - 1, data_ + size_);
  }
  template <class Predicate>
  void erase_if(const Predicate& predicate) {
    size_ = static_cast<std::size_t>(std::remove_if(begin(), end(), predicate) - data_);
  }

  bool operator==(const SmallVector& other) const { return std::ranges::equal(*this, other); }

 private:
  [[nodiscard]] T* own() { return reinterpret_cast<T*>(own_); }
  [[nodiscard]] bool is_small() { return data_ == own(); }

  void grow(std::size_t count) {
    T* larger = std::allocator<T>().allocate(count);
    std::uninitialized_copy(data_, data_ + size_, larger);
    if (!is_small()) std::allocator<T>().deallocate(data_, capacity_);
    data_ = larger;
    capacity_ = count;
  }
  void release() {
    if (!is_small()) std::allocator<T>().deallocate(data_, capacity_);
    data_ = own();
    capacity_ = inline_count;
    size_ = 0;
  }
  /// Of one that holds nothing and no memory.
  void take(SmallVector& other) {
    if (other.is_small()) {
      std::uninitialized_copy(other.data_, other.data_ + other.size_, data_);
      size_ = std::exchange(other.size_, 0);
    } else {
      data_ = std::exchange(other.data_, other.own());
      capacity_ = std::exchange(other.capacity_, inline_count);
      size_ = std::exchange(other.size_, 0);
    }
  }

  alignas(T) std::byte own_[inline_count * sizeof(T)];
  T* data_ = own();
  std::size_t size_ = 0;
  std::size_t capacity_ = inline_count;
};

}  // namespace coterie
