// SPDX-License-Identifier: GPL-2.0-only
#ifndef GRAPEVINE_MESSAGE_PACKER_H
#define GRAPEVINE_MESSAGE_PACKER_H

namespace LAMMPS_NS {

/// What LAMMPS calls back to fill and empty the messages of a pair style.
class MessagePacker {
 public:
  virtual ~MessagePacker() = default;
  virtual int pack_forward(int n, const int *list, double *buf) = 0;
  virtual void unpack_forward(int n, int first, const double *buf) = 0;
  virtual int pack_reverse(int n, int first, double *buf) = 0;
  virtual void unpack_reverse(int n, const int *list, const double *buf) = 0;
};

}    // namespace LAMMPS_NS

#endif
