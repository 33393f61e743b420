/** The tags of an entry (acl(5), linux/posix_acl.h). */
const ACL_USER = 0x02;
const ACL_GROUP_OBJ = 0x04;
const ACL_GROUP = 0x08;
const ACL_MASK = 0x10;
const version = 2;
const headerBytes = 4;
const entryBytes = 8;

/**
 * The permissions that a file with this access ACL may have when the ACL is lost, so that nobody gets more than
 * before. The group bits of such a file are the ACL's mask: they become what its group had. A user named in the ACL
 * is then one of the group or of the others, a group named in it one of the others, so these get no more than each of them had.
 * The blob is struct posix_acl_xattr_header and its entries: tag, permissions, id. One that is not understood leaves the owner's.
 */
export function modeWithoutAcl(mode: number, blob: Uint8Array): number {
  const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength);
  if (blob.length < headerBytes || view.getUint32(0, true) !== version) return mode & ~0o077;
  let [group, other, mask, named] = [0o7, mode & 0o7, 0o7, 0o7];
  for (let at = headerBytes; at + entryBytes <= blob.length; at += entryBytes)
    if (view.getUint16(at, true) === ACL_MASK) mask = view.getUint16(at + 2, true);
  for (let at = headerBytes; at + entryBytes <= blob.length; at += entryBytes) {
    const [tag, allowed] = [view.getUint16(at, true), view.getUint16(at + 2, true) & mask];
    if (tag === ACL_GROUP_OBJ) group = allowed;
    if (tag === ACL_USER) named &= allowed;
    if (tag === ACL_USER || tag === ACL_GROUP) other &= allowed;
  }
  return (mode & ~0o077) | ((group & named & 0o7) << 3) | other;
}
