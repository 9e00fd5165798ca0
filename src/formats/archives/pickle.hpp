#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "formats/dtype.hpp"

namespace grapevine {

/// A named class or function of Python, kept as a name: nothing is ever called.
struct PickleGlobal {
  std::string module;
  std::string name;

  std::string full_name() const { return module + "." + name; }
};

/// The numbers behind one or more tensors.
struct TorchStorage {
  DType dtype = DType::f32;
  std::int64_t count = 0;                               ///< elements
  std::shared_ptr<const std::vector<std::byte>> bytes;  ///< little-endian, count * element_size(dtype)
};

/// A strided view of a storage; every element is known to lie inside it.
struct TorchTensor {
  TorchStorage storage;
  std::int64_t offset = 0;  ///< elements
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> strides;  ///< elements, not negative

  std::int64_t count() const;              ///< product of the shape, never more than the storage has
  std::vector<double> to_doubles() const;  ///< row-major
};

/// A numpy array, as a view of the bytes in the pickle.
struct NumpyArray {
  std::optional<TorchTensor> values;  ///< none for an array that was announced but never described
};

/// The element type of numpy arrays.
struct NumpyType {
  DType dtype = DType::f32;
};

struct PickleList;
struct PickleTuple;
struct PickleDict;
struct PickleObject;

/// Plain data from a pickle. Values are shared, never copied, and contain no cycles; a value read by read_pickle is
/// nested at most max_pickle_depth levels deep, so that it may be walked by recursion.
using PickleValue =
    std::variant<std::monostate, bool, std::int64_t, double, std::shared_ptr<const std::string>,
                 std::shared_ptr<PickleList>, std::shared_ptr<PickleTuple>, std::shared_ptr<PickleDict>,
                 std::shared_ptr<PickleObject>, std::shared_ptr<const TorchTensor>, std::shared_ptr<const PickleGlobal>,
                 std::shared_ptr<const TorchStorage>, std::shared_ptr<NumpyArray>, std::shared_ptr<const NumpyType>>;

inline constexpr int max_pickle_depth = 64;

/// What every container knows of itself.
struct PickleNode {
  std::int64_t size = 1;  ///< values in the tree below, itself included; shared ones counted each time
  int depth = 1;          ///< levels of the tree
  bool placed = false;    ///< inside another container, and from then on unchangeable: this rules out cycles
};

struct PickleList : PickleNode {
  std::vector<PickleValue> items;
};

struct PickleTuple : PickleNode {
  std::vector<PickleValue> items;
};

/// A dict or OrderedDict, in the order of the file; of equal keys the last counts.
struct PickleDict : PickleNode {
  std::vector<std::pair<PickleValue, PickleValue>> items;

  /// The value of a text key; null if there is none.
  const PickleValue* find(std::string_view key) const;
};

/// An instance of a class, or what a function would have given: never made, only described.
struct PickleObject : PickleNode {
  std::string class_name;                  ///< e.g. "__torch__.src.activate.Relu_like"
  std::shared_ptr<PickleTuple> arguments;  ///< what it was to be made of; null for TorchScript
  std::shared_ptr<PickleDict> attributes;  ///< null if the pickle gives none
};

/// Text of a value that is a string; null for any other.
const std::string* pickle_text(const PickleValue& value);
/// The tensor of a value that is a tensor or a numpy array; null for any other.
const TorchTensor* pickle_tensor(const PickleValue& value);

/// Looks up the bytes of the storage called `key`.
using StorageLoader = std::function<std::shared_ptr<const std::vector<std::byte>>(const std::string& key)>;

/// Packages of Python, e.g. "torch.nn", any class or function in which may be named by a pickle.
using PicklePackages = std::vector<std::string_view>;

/// The class or function that a pickle begins with, which is that of the whole if it is an object; nothing if it begins
/// with anything else.
std::optional<PickleGlobal> first_global(std::span<const std::byte> bytes);

/// Reads the pickle of a PyTorch archive (protocols 2 to 5, the opcodes that torch writes) into plain data. Only names
/// on a fixed list are understood (tensors, storages, OrderedDict, numpy arrays and scalars, TorchScript classes);
/// nothing is imported or executed. Numpy scalars become numbers, encoded text becomes a string of its bytes. What is
/// named of one of `packages` (and a set, a slice, an attribute) is described by a PickleObject; its state, if it is
/// not a dict, is dropped. Throws Error, starting with `where`, for a damaged pickle, an unknown name (which it gives),
/// a tensor that reaches outside its storage, an array whose bytes do not fit its shape, and anything too deep or too
/// large.
PickleValue read_pickle(std::span<const std::byte> bytes, const std::string& where, const StorageLoader& load,
                        const PicklePackages& packages = {});

}  // namespace grapevine
