#include "formats/archives/pickle.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <map>
#include <optional>

#include "formats/allowance.hpp"
#include "formats/archives/pickle_opcodes.hpp"
#include "support/error.hpp"

namespace grapevine {
namespace {

using namespace pickle_opcodes;

// A model of a hundred elements needs a tenth of this.
constexpr std::int64_t max_opcodes = 4'000'000;
// Values may be recalled by opcodes of two bytes, but honest pickles hardly recall whole structures.
constexpr std::int64_t free_tree_size = 1 << 16;
// Modules name the same irreps again and again.
constexpr std::int64_t tree_size_of_modules = 64;
// Memory that values may take for every byte of the pickle; honest pickles need about a third of it.
constexpr std::uint64_t memory_per_byte = 48;
constexpr std::uint64_t free_memory = 16u << 20;
constexpr std::size_t longest_name = 512;  // of a class or function
constexpr std::size_t max_tensor_rank = 16;
constexpr int newest_protocol = 5;

std::optional<DType> storage_dtype(const PickleGlobal& global) {
  if (global.module != "torch") return std::nullopt;
  for (const StorageType& type : storage_types)
    if (type.name == global.name) return type.dtype;
  return std::nullopt;
}

bool is_script_class(const PickleGlobal& global) {
  return global.module == "__torch__" || global.module.starts_with("__torch__.");
}

bool is_data_type(std::string_view name) {
  for (const std::string_view known :
       {"float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool"})
    if (name == known) return true;
  return false;
}

bool is_numpy_multiarray(std::string_view module) {
  return module == "numpy.core.multiarray" || module == "numpy._core.multiarray";
}

bool is_allowed(const PickleGlobal& global) {
  if (is_script_class(global) || storage_dtype(global)) return true;
  if (global.module == "torch") return global.name == "Size" || global.name == "device" || is_data_type(global.name);
  if (global.module == "collections") return global.name == "OrderedDict";
  if (global.module == "numpy") return global.name == "ndarray" || global.name == "dtype";
  if (is_numpy_multiarray(global.module)) return global.name == "_reconstruct" || global.name == "scalar";
  if (global.module == "_codecs") return global.name == "encode";
  if (global.module == "torch._utils")
    return global.name == "_rebuild_tensor_v2" || global.name == "_rebuild_tensor" ||
           global.name == "_rebuild_parameter";
  if (global.module == "torch.jit._pickle")
    return global.name == "build_intlist" || global.name == "build_tensorlist" || global.name == "build_doublelist" ||
           global.name == "build_boollist" || global.name == "restore_type_tag";
  return false;
}

bool is_of_package(std::string_view module, std::string_view package) {
  return module.starts_with(package) && (module.size() == package.size() || module[package.size()] == '.');
}

bool is_plain_builtin(const PickleGlobal& global) {
  if (global.module != "builtins" && global.module != "__builtin__") return false;
  return global.name == "set" || global.name == "frozenset" || global.name == "slice" || global.name == "getattr";
}

std::optional<DType> numpy_dtype(std::string_view name) {
  constexpr std::pair<std::string_view, DType> types[] = {
      {"f2", DType::f16}, {"f4", DType::f32}, {"f8", DType::f64}, {"i1", DType::i8},     {"u1", DType::u8},
      {"i2", DType::i16}, {"i4", DType::i32}, {"i8", DType::i64}, {"b1", DType::boolean}};
  for (const auto& [known, dtype] : types)
    if (known == name) return dtype;
  return std::nullopt;
}

/// Text from the file made safe for a one-line message.
std::string printable(std::string_view text) {
  std::string result;
  for (const char c : text.substr(0, 80)) result += c >= ' ' && c <= '~' ? c : '?';
  return result;
}

PickleNode* node_of(const PickleValue& value) {
  if (const auto* list = std::get_if<std::shared_ptr<PickleList>>(&value)) return list->get();
  if (const auto* tuple = std::get_if<std::shared_ptr<PickleTuple>>(&value)) return tuple->get();
  if (const auto* dict = std::get_if<std::shared_ptr<PickleDict>>(&value)) return dict->get();
  if (const auto* object = std::get_if<std::shared_ptr<PickleObject>>(&value)) return object->get();
  return nullptr;
}

template <class T>
const T* pointer_to(const PickleValue& value) {
  const auto* held = std::get_if<std::shared_ptr<T>>(&value);
  return held ? held->get() : nullptr;
}

class Unpickler {
 public:
  Unpickler(std::span<const std::byte> bytes, const std::string& where, const StorageLoader& load,
            const PicklePackages& packages)
      : bytes_(bytes),
        where_(where),
        load_(load),
        packages_(packages),
        max_tree_size_(free_tree_size +
                       static_cast<std::int64_t>(bytes.size()) * (packages.empty() ? 1 : tree_size_of_modules)),
        memory_(free_memory + memory_per_byte * bytes.size(),
                where + ": its values need far more memory than its size"),
        copied_(4 * bytes.size(), where + ": more array data than the pickle has bytes") {}

  PickleValue run() {
    for (std::int64_t count = 0; count < max_opcodes; ++count) {
      const auto opcode = number<unsigned char>();
      if (opcode == op_stop) return finish();
      step(opcode);
    }
    fail("too many opcodes for a model");
  }

  std::optional<PickleGlobal> first_global() {
    constexpr int opcodes_before = 8;
    for (int count = 0; count < opcodes_before; ++count) {
      const auto opcode = number<unsigned char>();
      if (opcode == op_global) {
        const std::string_view module = line();
        return PickleGlobal{std::string(module.substr(0, longest_name)), std::string(line().substr(0, longest_name))};
      }
      if (opcode == op_stack_global) return named_global();
      step(opcode);
    }
    return std::nullopt;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(fmt::format("{}: {} (at byte {})", where_, what, position_));
  }

  // Reading

  std::string_view take(std::uint64_t count) {
    if (count > bytes_.size() - position_) fail("the pickle is cut off");
    const auto* begin = reinterpret_cast<const char*>(bytes_.data()) + position_;
    position_ += count;
    return {begin, count};
  }
  template <class T>
  T number() {
    T value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  std::string_view line() {
    const std::string_view rest(reinterpret_cast<const char*>(bytes_.data()) + position_, bytes_.size() - position_);
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) fail("the pickle is cut off");
    position_ += end + 1;
    return rest.substr(0, end);
  }
  double big_endian_double() { return std::bit_cast<double>(__builtin_bswap64(number<std::uint64_t>())); }
  std::int64_t long_integer() {
    const std::string_view digits = take(number<std::uint8_t>());
    if (digits.size() > 8) fail("an integer of more than 64 bits");
    std::uint64_t value = !digits.empty() && (digits.back() & 0x80) ? ~std::uint64_t{0} : 0;
    std::memcpy(&value, digits.data(), digits.size());
    return static_cast<std::int64_t>(value);
  }

  // Stack

  void push(PickleValue value) {
    memory_.spend(sizeof value);
    stack_.push_back(std::move(value));
  }
  /// A value of its own in memory, with `more` bytes besides the object itself.
  template <class Value, class... Arguments>
  std::shared_ptr<Value> make(std::size_t more, Arguments&&... arguments) {
    constexpr std::size_t overhead = 32;  // counts of owners, and what the allocator needs
    memory_.spend(sizeof(Value) + overhead + more);
    return std::make_shared<Value>(std::forward<Arguments>(arguments)...);
  }
  void push_text(std::string_view text) { push(make<const std::string>(text.size(), text)); }
  std::size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }
  PickleValue& top() {
    if (stack_.size() <= floor()) fail("the pickle takes more from its stack than it put there");
    return stack_.back();
  }
  PickleValue pop() {
    PickleValue value = std::move(top());
    stack_.pop_back();
    return value;
  }
  std::vector<PickleValue> pop_many(std::size_t count) {
    if (stack_.size() - floor() < count) fail("the pickle takes more from its stack than it put there");
    std::vector<PickleValue> values(std::make_move_iterator(stack_.end() - static_cast<std::ptrdiff_t>(count)),
                                    std::make_move_iterator(stack_.end()));
    stack_.resize(stack_.size() - count);
    return values;
  }
  std::vector<PickleValue> pop_to_mark() {
    if (marks_.empty()) fail("the pickle looks for a mark it did not set");
    std::vector<PickleValue> values = pop_many(stack_.size() - marks_.back());
    marks_.pop_back();
    return values;
  }

  // Containers

  void place(PickleNode& parent, const PickleValue& child) {
    std::int64_t size = 1;
    if (PickleNode* node = node_of(child)) {
      node->placed = true;
      size = node->size;
      if (node->depth >= max_pickle_depth) fail(fmt::format("nested deeper than {} levels", max_pickle_depth));
      parent.depth = std::max(parent.depth, node->depth + 1);
    }
    if (parent.placed) fail("a structure that contains itself or is changed after use");
    parent.size += size;
    if (parent.size > max_tree_size_) fail("a structure too large for a model");
  }
  void push_tuple(std::vector<PickleValue> items) {
    auto tuple = make<PickleTuple>(items.size() * sizeof(PickleValue));
    for (const PickleValue& item : items) place(*tuple, item);
    tuple->items = std::move(items);
    push(std::move(tuple));
  }
  void append(const PickleValue& target, std::vector<PickleValue> items) {
    const auto* list = std::get_if<std::shared_ptr<PickleList>>(&target);
    if (!list) fail("items appended to something that is not a list");
    memory_.spend(items.size() * sizeof(PickleValue));
    for (PickleValue& item : items) {
      place(**list, item);
      (*list)->items.push_back(std::move(item));
    }
  }
  void set_items(const PickleValue& target, std::vector<PickleValue> items) {
    const auto* dict = std::get_if<std::shared_ptr<PickleDict>>(&target);
    if (!dict || items.size() % 2 != 0) fail("keys and values given to something that is not a dict");
    memory_.spend(items.size() * sizeof(PickleValue));
    for (std::size_t i = 0; i < items.size(); i += 2) {
      place(**dict, items[i]);
      place(**dict, items[i + 1]);
      (*dict)->items.emplace_back(std::move(items[i]), std::move(items[i + 1]));
    }
  }
  void build(const PickleValue& target, PickleValue state) {
    if (const auto* array = std::get_if<std::shared_ptr<NumpyArray>>(&target)) return build_array(**array, state);
    if (pointer_to<const NumpyType>(target)) return check_byte_order(state);
    // The state of an OrderedDict is the list of module versions that torch adds to a state_dict.
    if (pointer_to<PickleDict>(target)) return;
    const auto* object = std::get_if<std::shared_ptr<PickleObject>>(&target);
    const auto* attributes = std::get_if<std::shared_ptr<PickleDict>>(&state);
    if (object && !attributes && (*object)->arguments) return;
    if (!object || !attributes || (*object)->attributes) fail("an object whose state is not a dict of attributes");
    place(**object, state);
    (*object)->attributes = *attributes;
  }

  // Globals

  void push_global(std::string_view module, std::string_view name) {
    if (module.size() + name.size() > longest_name)
      fail(fmt::format("a name of more than {} letters: {}", longest_name, printable(module)));
    PickleGlobal global{std::string(module), std::string(name)};
    if (!is_allowed(global) && !is_record(global))
      fail(fmt::format("refused: the pickle asks for {}, which no model needs; only tensors and plain data are read",
                       printable(global.full_name())));
    push(make<const PickleGlobal>(module.size() + name.size(), std::move(global)));
  }
  bool is_record(const PickleGlobal& global) const {
    if (packages_.empty()) return false;
    const auto names_it = [&](std::string_view package) { return is_of_package(global.module, package); };
    return is_plain_builtin(global) || std::any_of(packages_.begin(), packages_.end(), names_it);
  }
  void push_record(const PickleGlobal& global, const std::vector<PickleValue>& parts) {
    auto object = make<PickleObject>(global.module.size() + global.name.size());
    object->class_name = global.full_name();
    object->arguments = std::get<std::shared_ptr<PickleTuple>>(parts[1]);
    place(*object, parts[1]);
    push(std::move(object));
  }
  PickleGlobal named_global() {
    const std::vector<PickleValue> names = pop_many(2);
    const std::string* module = pickle_text(names[0]);
    const std::string* name = pickle_text(names[1]);
    if (!module || !name) fail("a global without a name");
    return {*module, *name};
  }
  void stack_global() {
    const PickleGlobal global = named_global();
    push_global(global.module, global.name);
  }
  void new_object() {
    const std::vector<PickleValue> parts = pop_many(2);
    const auto* global = pointer_to<const PickleGlobal>(parts[0]);
    const auto* arguments = pointer_to<PickleTuple>(parts[1]);
    if (global && arguments && !is_script_class(*global) && is_record(*global)) return push_record(*global, parts);
    if (!global || !is_script_class(*global) || !arguments || !arguments->items.empty())
      fail("an object that is not of a TorchScript class");
    auto object = make<PickleObject>(global->module.size() + global->name.size());
    object->class_name = global->full_name();
    push(std::move(object));
  }
  void reduce() {
    const std::vector<PickleValue> parts = pop_many(2);
    const auto* global = pointer_to<const PickleGlobal>(parts[0]);
    const auto* arguments = pointer_to<PickleTuple>(parts[1]);
    if (!global || !arguments) fail("a call without a name or arguments");
    const std::vector<PickleValue>& items = arguments->items;
    const std::string name = global->full_name();
    if (name == "collections.OrderedDict" && items.empty())
      push(make<PickleDict>(0));
    else if (name == "torch._utils._rebuild_tensor_v2" || name == "torch._utils._rebuild_tensor")
      push(rebuild_tensor(items));
    else if (name == "numpy.dtype")
      push(numpy_type(items));
    else if (is_numpy_multiarray(global->module))
      push(global->name == "scalar" ? numpy_scalar(items) : numpy_array(items));
    else if (name == "_codecs.encode")
      push(encoded(items));
    else if (is_wrapper(name) && !items.empty())
      push(items[0]);
    else if (is_record(*global))
      push_record(*global, parts);
    else if (is_script_class(*global))
      fail(fmt::format("{} is built by a call, which is not understood", printable(name)));
    else
      fail(fmt::format("{} is called with unexpected arguments", printable(name)));
  }
  static bool is_wrapper(std::string_view name) {
    return name == "torch._utils._rebuild_parameter" || name == "torch.Size" || name == "torch.device" ||
           name.starts_with("torch.jit._pickle.");
  }

  // Tensors

  /// Text of torch.save, a number of torch.package.
  static std::optional<std::string> storage_key(const PickleValue& value) {
    if (const std::string* text = pickle_text(value)) return *text;
    if (const auto* number = std::get_if<std::int64_t>(&value)) return fmt::format("{}", *number);
    return std::nullopt;
  }
  void persistent_id() {
    const PickleValue value = pop();
    const auto* id = pointer_to<PickleTuple>(value);
    if (!id || id->items.size() < 5) fail("a storage without a description");
    const std::string* tag = pickle_text(id->items[0]);
    const auto* type = pointer_to<const PickleGlobal>(id->items[1]);
    const std::optional<std::string> key = storage_key(id->items[2]);
    const auto* count = std::get_if<std::int64_t>(&id->items[4]);
    if (!tag || *tag != "storage" || !type || !key || !count || *count < 0) fail("a storage without a description");
    const std::optional<DType> dtype = storage_dtype(*type);
    if (!dtype) fail(fmt::format("storage type {} is not supported", printable(type->full_name())));
    TorchStorage storage{*dtype, *count, load_(*key)};
    const auto size = static_cast<std::int64_t>(storage.bytes->size());
    const auto element = static_cast<std::int64_t>(element_size(*dtype));
    if (size / element != *count || size % element != 0)
      fail(fmt::format("storage {} has {} bytes; expected {} elements of {}", printable(*key), size, *count, element));
    push(make<const TorchStorage>(0, std::move(storage)));
  }
  std::vector<std::int64_t> sizes(const PickleValue& value) const {
    const auto* tuple = pointer_to<PickleTuple>(value);
    if (!tuple || tuple->items.size() > max_tensor_rank) fail("a tensor's shape or strides are not a short tuple");
    std::vector<std::int64_t> result;
    for (const PickleValue& item : tuple->items) {
      const auto* size = std::get_if<std::int64_t>(&item);
      if (!size || *size < 0) fail("a tensor's shape or strides are not whole numbers >= 0");
      result.push_back(*size);
    }
    return result;
  }
  PickleValue rebuild_tensor(const std::vector<PickleValue>& items) {
    const auto* storage = items.size() >= 4 ? pointer_to<const TorchStorage>(items[0]) : nullptr;
    const auto* offset = items.size() >= 4 ? std::get_if<std::int64_t>(&items[1]) : nullptr;
    if (!storage || !offset || *offset < 0) fail("a tensor without storage or offset");
    std::vector<std::int64_t> shape = sizes(items[2]);
    std::vector<std::int64_t> strides = sizes(items[3]);
    const std::size_t bytes = (shape.size() + strides.size()) * sizeof(std::int64_t);
    auto tensor = make<TorchTensor>(bytes, TorchTensor{*storage, *offset, std::move(shape), std::move(strides)});
    check_view(*tensor);
    // The stride of a dimension of length 1 is never used; a wild one must not overflow while walking the tensor.
    for (std::size_t d = 0; d < tensor->shape.size(); ++d)
      if (tensor->shape[d] <= 1) tensor->strides[d] = 0;
    return std::shared_ptr<const TorchTensor>(std::move(tensor));
  }
  void check_view(const TorchTensor& tensor) const {
    if (tensor.shape.size() != tensor.strides.size()) fail("a tensor's shape and strides differ in length");
    std::int64_t count = 1;
    std::int64_t last = tensor.offset;
    bool overflow = false;
    for (std::size_t d = 0; d < tensor.shape.size(); ++d) {
      std::int64_t reach = 0;
      overflow |= __builtin_mul_overflow(count, tensor.shape[d], &count);
      if (tensor.shape[d] > 0) overflow |= __builtin_mul_overflow(tensor.shape[d] - 1, tensor.strides[d], &reach);
      overflow |= __builtin_add_overflow(last, reach, &last);
    }
    if (overflow || count > tensor.storage.count || (count > 0 && last >= tensor.storage.count))
      fail("a tensor reaches outside its storage");
  }

  // Numpy

  PickleValue numpy_type(const std::vector<PickleValue>& items) {
    const std::string* name = items.empty() ? nullptr : pickle_text(items[0]);
    if (!name) fail("a numpy type without a name");
    const std::optional<DType> dtype = numpy_dtype(*name);
    if (!dtype) fail(fmt::format("numpy type {} is not supported", printable(*name)));
    return make<const NumpyType>(0, NumpyType{*dtype});
  }
  /// (version, byte order, ...): all else concerns types made of several fields.
  void check_byte_order(const PickleValue& state) const {
    const auto* items = pointer_to<PickleTuple>(state);
    const std::string* order = items && items->items.size() >= 2 ? pickle_text(items->items[1]) : nullptr;
    if (!order) fail("a numpy type without a byte order");
    if (*order != "<" && *order != "|" && *order != "=") fail("a numpy type that is not little-endian");
  }
  PickleValue numpy_array(const std::vector<PickleValue>& items) {
    const auto* type = items.size() == 3 ? pointer_to<const PickleGlobal>(items[0]) : nullptr;
    if (!type || type->full_name() != "numpy.ndarray") fail("a numpy array of an unknown class");
    return make<NumpyArray>(0);
  }
  std::shared_ptr<const std::vector<std::byte>> bytes_of(const std::string& text) {
    copied_.spend(text.size());
    const auto* begin = reinterpret_cast<const std::byte*>(text.data());
    return std::make_shared<const std::vector<std::byte>>(begin, begin + text.size());
  }
  /// state: (version, shape, type, whether the first index runs fastest, bytes)
  void build_array(NumpyArray& array, const PickleValue& state) {
    const auto* tuple = pointer_to<PickleTuple>(state);
    if (array.values || !tuple || tuple->items.size() != 5) fail("a numpy array without a description");
    const std::vector<PickleValue>& items = tuple->items;
    const auto* type = pointer_to<const NumpyType>(items[2]);
    const auto* columns_first = std::get_if<bool>(&items[3]);
    const std::string* content = pickle_text(items[4]);
    if (!type || !columns_first || !content) fail("a numpy array without a description");
    TorchTensor tensor;
    tensor.shape = sizes(items[1]);
    tensor.storage = {type->dtype, static_cast<std::int64_t>(content->size() / element_size(type->dtype)),
                      bytes_of(*content)};
    tensor.strides = dense_strides(tensor.shape, *columns_first);
    check_view(tensor);
    if (tensor.count() != tensor.storage.count || content->size() % element_size(type->dtype) != 0)
      fail("a numpy array whose bytes do not fit its shape");
    array.values = std::move(tensor);
  }
  std::vector<std::int64_t> dense_strides(const std::vector<std::int64_t>& shape, bool columns_first) const {
    std::vector<std::int64_t> strides(shape.size());
    std::int64_t stride = 1;
    for (std::size_t n = 0; n < shape.size(); ++n) {
      const std::size_t d = columns_first ? n : shape.size() - 1 - n;
      strides[d] = stride;
      if (__builtin_mul_overflow(stride, shape[d], &stride)) fail("a numpy array too large for a model");
    }
    return strides;
  }
  PickleValue numpy_scalar(const std::vector<PickleValue>& items) {
    const auto* type = items.size() == 2 ? pointer_to<const NumpyType>(items[0]) : nullptr;
    const std::string* content = items.size() == 2 ? pickle_text(items[1]) : nullptr;
    if (!type || !content || content->size() != element_size(type->dtype)) fail("a numpy scalar without a value");
    const double value = element_to_double(type->dtype, bytes_of(*content)->data());
    switch (type->dtype) {
      case DType::boolean: return value != 0;
      case DType::f16:
      case DType::bf16:
      case DType::f32:
      case DType::f64: return value;
      default: return static_cast<std::int64_t>(value);
    }
  }
  /// Bytes that a pickle of protocol 2 keeps as text, one character for each.
  PickleValue encoded(const std::vector<PickleValue>& items) {
    const std::string* text = items.size() == 2 ? pickle_text(items[0]) : nullptr;
    const std::string* codec = items.size() == 2 ? pickle_text(items[1]) : nullptr;
    if (!text || !codec || (*codec != "latin1" && *codec != "latin-1")) fail("text that is not encoded as latin1");
    copied_.spend(text->size());
    std::string result;
    for (std::size_t i = 0; i < text->size(); ++i) {
      const auto first = static_cast<unsigned char>((*text)[i]);
      if (first < 0x80) {
        result += static_cast<char>(first);
        continue;
      }
      const unsigned second = ++i < text->size() ? static_cast<unsigned char>((*text)[i]) : 0u;
      if ((first != 0xc2 && first != 0xc3) || (second & 0xc0u) != 0x80) fail("text with characters beyond latin1");
      result += static_cast<char>(((first & 0x03u) << 6) | (second & 0x3fu));
    }
    return make<const std::string>(0, std::move(result));
  }

  // Memo

  void memoize(std::uint64_t index) {
    constexpr std::size_t overhead = 48;  // of a map's entry
    memory_.spend(sizeof(PickleValue) + overhead);
    memo_[index] = top();
  }
  void recall(std::uint64_t index) {
    const auto found = memo_.find(index);
    if (found == memo_.end()) fail("the pickle recalls a value it did not store");
    push(found->second);
  }

  PickleValue finish() {
    PickleValue result = pop();
    if (!stack_.empty() || !marks_.empty()) fail("the pickle ends with values left over");
    return result;
  }

  void step(unsigned char opcode) {
    if (!read_scalar(opcode) && !read_container(opcode) && !read_structure(opcode))
      fail(fmt::format("opcode 0x{:02x} is not one that torch writes for models", opcode));
  }

  bool read_scalar(unsigned char opcode) {
    switch (opcode) {
      case op_none: push(std::monostate{}); return true;
      case op_newtrue: push(true); return true;
      case op_newfalse: push(false); return true;
      case op_binint: push(std::int64_t{number<std::int32_t>()}); return true;
      case op_binint1: push(std::int64_t{number<std::uint8_t>()}); return true;
      case op_binint2: push(std::int64_t{number<std::uint16_t>()}); return true;
      case op_long1: push(long_integer()); return true;
      case op_binfloat: push(big_endian_double()); return true;
      case op_binunicode: push_text(take(number<std::uint32_t>())); return true;
      case op_short_binunicode: push_text(take(number<std::uint8_t>())); return true;
      case op_binunicode8: push_text(take(number<std::uint64_t>())); return true;
      case op_binstring: push_text(take(number<std::uint32_t>())); return true;
      case op_short_binstring: push_text(take(number<std::uint8_t>())); return true;
      default: return read_bytes(opcode);
    }
  }

  /// Compiled code of modules, as text that nobody reads.
  bool read_bytes(unsigned char opcode) {
    if (packages_.empty()) return false;
    if (opcode == op_binbytes)
      push_text(take(number<std::uint32_t>()));
    else if (opcode == op_short_binbytes)
      push_text(take(number<std::uint8_t>()));
    else
      return false;
    return true;
  }

  bool read_container(unsigned char opcode) {
    switch (opcode) {
      case op_empty_list: push(make<PickleList>(0)); return true;
      case op_empty_dict: push(make<PickleDict>(0)); return true;
      case op_empty_tuple: push_tuple({}); return true;
      case op_tuple1: push_tuple(pop_many(1)); return true;
      case op_tuple2: push_tuple(pop_many(2)); return true;
      case op_tuple3: push_tuple(pop_many(3)); return true;
      case op_tuple: push_tuple(pop_to_mark()); return true;
      case op_list: {
        std::vector<PickleValue> items = pop_to_mark();
        push(make<PickleList>(0));
        append(top(), std::move(items));
        return true;
      }
      case op_dict: {
        std::vector<PickleValue> items = pop_to_mark();
        push(make<PickleDict>(0));
        set_items(top(), std::move(items));
        return true;
      }
      case op_append: {
        std::vector<PickleValue> items = pop_many(1);
        append(top(), std::move(items));
        return true;
      }
      case op_appends: {
        std::vector<PickleValue> items = pop_to_mark();
        append(top(), std::move(items));
        return true;
      }
      case op_setitem: {
        std::vector<PickleValue> items = pop_many(2);
        set_items(top(), std::move(items));
        return true;
      }
      case op_setitems: {
        std::vector<PickleValue> items = pop_to_mark();
        set_items(top(), std::move(items));
        return true;
      }
      default: return false;
    }
  }

  bool read_structure(unsigned char opcode) {
    switch (opcode) {
      case op_proto:
        if (number<std::uint8_t>() > newest_protocol) fail("a pickle protocol newer than 5");
        return true;
      case op_frame: number<std::uint64_t>(); return true;
      case op_mark:
        memory_.spend(sizeof(std::size_t));
        marks_.push_back(stack_.size());
        return true;
      case op_pop: pop(); return true;
      case op_pop_mark: pop_to_mark(); return true;
      case op_dup: push(top()); return true;
      case op_binput: memoize(number<std::uint8_t>()); return true;
      case op_long_binput: memoize(number<std::uint32_t>()); return true;
      case op_memoize: memoize(memo_.size()); return true;
      case op_binget: recall(number<std::uint8_t>()); return true;
      case op_long_binget: recall(number<std::uint32_t>()); return true;
      case op_global: {
        const std::string_view module = line();
        push_global(module, line());
        return true;
      }
      case op_stack_global: stack_global(); return true;
      case op_newobj: new_object(); return true;
      case op_reduce: reduce(); return true;
      case op_build: {
        PickleValue state = pop();
        build(top(), std::move(state));
        return true;
      }
      case op_binpersid: persistent_id(); return true;
      default: return false;
    }
  }

  std::span<const std::byte> bytes_;
  const std::string& where_;
  const StorageLoader& load_;
  const PicklePackages& packages_;
  std::size_t position_ = 0;
  std::int64_t max_tree_size_;
  Allowance memory_;  // bytes
  Allowance copied_;  // bytes of arrays: honest pickles decode each once, and recalled ones must not be without end
  std::vector<PickleValue> stack_;
  std::vector<std::size_t> marks_;
  std::map<std::uint64_t, PickleValue> memo_;  // no hash table: its worst case could be written into a file
};

}  // namespace

std::int64_t TorchTensor::count() const {
  std::int64_t count = 1;
  for (const std::int64_t length : shape) count *= length;
  return count;
}

std::vector<double> TorchTensor::to_doubles() const {
  std::vector<double> values(static_cast<std::size_t>(count()));
  std::vector<std::int64_t> index(shape.size(), 0);
  const std::size_t size = element_size(storage.dtype);
  std::int64_t place = offset;
  for (double& value : values) {
    value = element_to_double(storage.dtype, storage.bytes->data() + static_cast<std::size_t>(place) * size);
    for (std::size_t d = shape.size(); d-- > 0;) {
      place += strides[d];
      if (++index[d] < shape[d]) break;
      place -= strides[d] * shape[d];
      index[d] = 0;
    }
  }
  return values;
}

const PickleValue* PickleDict::find(std::string_view key) const {
  const PickleValue* found = nullptr;
  for (const auto& [name, value] : items) {
    const std::string* text = pickle_text(name);
    if (text && *text == key) found = &value;
  }
  return found;
}

const std::string* pickle_text(const PickleValue& value) {
  const auto* text = std::get_if<std::shared_ptr<const std::string>>(&value);
  return text ? text->get() : nullptr;
}

const TorchTensor* pickle_tensor(const PickleValue& value) {
  if (const auto* array = std::get_if<std::shared_ptr<NumpyArray>>(&value))
    return (*array)->values ? &*(*array)->values : nullptr;
  const auto* tensor = std::get_if<std::shared_ptr<const TorchTensor>>(&value);
  return tensor ? tensor->get() : nullptr;
}

std::optional<PickleGlobal> first_global(std::span<const std::byte> bytes) {
  const std::string where = "pickle";
  const StorageLoader no_storage = [](const std::string&) { return nullptr; };
  const PicklePackages none;
  try {
    return Unpickler(bytes, where, no_storage, none).first_global();
  } catch (const Error&) {
    return std::nullopt;
  }
}

PickleValue read_pickle(std::span<const std::byte> bytes, const std::string& where, const StorageLoader& load,
                        const PicklePackages& packages) {
  return Unpickler(bytes, where, load, packages).run();
}

}  // namespace grapevine
