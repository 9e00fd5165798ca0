#pragma once

#include <stdexcept>
#include <string_view>

#include "formats/dtype.hpp"

/// What the reader and the writer of PyTorch's pickles both know.
namespace grapevine::pickle_opcodes {

enum Opcode : unsigned char {
  op_mark = '(',
  op_stop = '.',
  op_pop = '0',
  op_pop_mark = '1',
  op_dup = '2',
  op_binfloat = 'G',
  op_binint = 'J',
  op_binint1 = 'K',
  op_binint2 = 'M',
  op_none = 'N',
  op_binpersid = 'Q',
  op_reduce = 'R',
  op_binstring = 'T',
  op_short_binstring = 'U',
  op_binunicode = 'X',
  op_binbytes = 'B',
  op_short_binbytes = 'C',
  op_append = 'a',
  op_build = 'b',
  op_global = 'c',
  op_dict = 'd',
  op_empty_dict = '}',
  op_appends = 'e',
  op_binget = 'h',
  op_long_binget = 'j',
  op_list = 'l',
  op_empty_list = ']',
  op_binput = 'q',
  op_long_binput = 'r',
  op_setitem = 's',
  op_tuple = 't',
  op_empty_tuple = ')',
  op_setitems = 'u',
  op_proto = 0x80,
  op_newobj = 0x81,
  op_tuple1 = 0x85,
  op_tuple2 = 0x86,
  op_tuple3 = 0x87,
  op_newtrue = 0x88,
  op_newfalse = 0x89,
  op_long1 = 0x8a,
  op_short_binunicode = 0x8c,
  op_binunicode8 = 0x8d,
  op_stack_global = 0x93,
  op_memoize = 0x94,
  op_frame = 0x95
};

struct StorageType {
  std::string_view name;
  DType dtype;
};
inline constexpr StorageType storage_types[] = {{"DoubleStorage", DType::f64},    {"FloatStorage", DType::f32},
                                                {"HalfStorage", DType::f16},      {"LongStorage", DType::i64},
                                                {"BFloat16Storage", DType::bf16}, {"IntStorage", DType::i32},
                                                {"ShortStorage", DType::i16},     {"CharStorage", DType::i8},
                                                {"ByteStorage", DType::u8},       {"BoolStorage", DType::boolean}};

/// Name in the module `torch` of the class of a storage.
inline std::string_view torch_storage_name(DType dtype) {
  for (const StorageType& type : storage_types)
    if (type.dtype == dtype) return type.name;
  throw std::invalid_argument("torch_storage_name: no storage of this type");
}

}  // namespace grapevine::pickle_opcodes
