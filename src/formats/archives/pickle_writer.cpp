#include "formats/archives/pickle_writer.hpp"

#include <bit>
#include <cstdint>
#include <limits>
#include <span>
#include <stdexcept>
#include <string_view>
#include <type_traits>

#include "formats/archives/pickle_opcodes.hpp"

namespace grapevine {
namespace {

using namespace pickle_opcodes;

class Pickler {
 public:
  explicit Pickler(const StorageKeeper& keep) : keep_(keep) {}

  std::vector<std::byte> run(const PickleValue& root) {
    put(op_proto);
    put(2);
    value(root);
    put(op_stop);
    return std::move(bytes_);
  }

 private:
  // Bytes

  void put(unsigned char byte) { bytes_.push_back(std::byte{byte}); }
  void put(std::string_view text) {
    for (const char c : text) put(static_cast<unsigned char>(c));
  }
  void little_endian(std::uint64_t number, int count) {
    for (int i = 0; i < count; ++i) put(static_cast<unsigned char>(number >> (8 * i)));
  }

  // Values

  void value(const PickleValue& any) {
    std::visit([this](const auto& held) { write(held); }, any);
  }
  void write(std::monostate) { put(op_none); }
  void write(bool truth) { put(truth ? op_newtrue : op_newfalse); }
  void write(std::int64_t number) {
    const bool is_short =
        number >= std::numeric_limits<std::int32_t>::min() && number <= std::numeric_limits<std::int32_t>::max();
    put(is_short ? op_binint : op_long1);
    if (!is_short) put(8);
    little_endian(static_cast<std::uint64_t>(number), is_short ? 4 : 8);
  }
  void write(double number) {
    put(op_binfloat);
    little_endian(__builtin_bswap64(std::bit_cast<std::uint64_t>(number)), 8);
  }
  void write(std::string_view text) {
    put(op_binunicode);
    little_endian(text.size(), 4);
    put(text);
  }
  void write(const std::shared_ptr<const std::string>& text) { write(std::string_view(*text)); }
  void write(const std::shared_ptr<PickleList>& list) {
    put(op_empty_list);
    put(op_mark);
    for (const PickleValue& item : list->items) value(item);
    put(op_appends);
  }
  void write(const std::shared_ptr<PickleTuple>& tuple) {
    put(op_mark);
    for (const PickleValue& item : tuple->items) value(item);
    put(op_tuple);
  }
  void write(const std::shared_ptr<PickleDict>& dict) {
    put(op_empty_dict);
    put(op_mark);
    for (const auto& [key, item] : dict->items) {
      value(key);
      value(item);
    }
    put(op_setitems);
  }
  template <class Other>
  void write(const std::shared_ptr<Other>&) {
    throw std::invalid_argument("write_pickle: only plain data and tensors can be written");
  }

  // Tensors

  void write(const std::shared_ptr<const TorchTensor>& tensor) {
    global("torch._utils", "_rebuild_tensor_v2");
    put(op_mark);
    storage(tensor->storage);
    write(tensor->offset);
    sizes(tensor->shape);
    sizes(tensor->strides);
    write(false);  // requires_grad
    global("collections", "OrderedDict");
    put(op_empty_tuple);
    put(op_reduce);
    put(op_tuple);
    put(op_reduce);
  }
  void storage(const TorchStorage& storage) {
    put(op_mark);
    write(std::string_view("storage"));
    global("torch", torch_storage_name(storage.dtype));
    write(std::string_view(keep_(storage)));
    write(std::string_view("cpu"));
    write(storage.count);
    put(op_tuple);
    put(op_binpersid);
  }
  void sizes(std::span<const std::int64_t> numbers) {
    put(op_mark);
    for (const std::int64_t number : numbers) write(number);
    put(op_tuple);
  }
  void global(std::string_view module, std::string_view name) {
    put(op_global);
    put(module);
    put('\n');
    put(name);
    put('\n');
  }

  const StorageKeeper& keep_;
  std::vector<std::byte> bytes_;
};

}  // namespace

std::vector<std::byte> write_pickle(const PickleValue& root, const StorageKeeper& keep) {
  return Pickler(keep).run(root);
}

}  // namespace grapevine
