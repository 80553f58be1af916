/* qcow2_sparse.c - is more of a qcow2 image in use than its file has space for? */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/image/qcow2_tree.h"

/* Clusters of one refcount block that are in use, as far as there are up to most. */
static int count_block(const struct qcow2 *q, uint64_t at, uint64_t clusters, uint64_t most,
		       unsigned char *buf, uint64_t *n, struct bp_error *err)
{
	if (!at || !qcow2_table_possible(q, at))
		return 0;
	if (io_read(q->io, buf, (size_t)qcow2_cluster_size(&q->h), at, err) < 0)
		return -1;
	for (uint64_t i = 0; i < clusters && *n < most; i++)
		*n += !!qcow2_ref_get(q, buf, i);
	return 0;
}

/* QEMU asks the same question, with the same margin: file systems take some blocks for
 * themselves. */
int qcow2_sparse(struct bp_io *io, uint64_t space, bool *ret, struct bp_error *err)
{
	auto_free unsigned char *buf = NULL;
	auto_free uint64_t *blocks = NULL;
	uint64_t have, most, end, n = 0, n_blocks, per;
	struct qcow2 q;

	if (qcow2_open(io, &q, err) < 0)
		return -1;
	have = space >> q.h.cluster_bits;
	most = have * 10 / 9 > have + 2 ? have * 10 / 9 : have + 2;
	end = qcow2_clusters(&q.h, q.file_size);
	per = UINT64_C(1) << qcow2_block_bits(&q);
	n_blocks = ((uint64_t)q.h.reftable_clusters << q.h.cluster_bits) / 8;
	*ret = false;
	if (most > end)
		return 0;
	if (qcow2_read_entries(io, q.h.reftable_at, n_blocks, &blocks, err) < 0)
		return -1;
	buf = mem_resize(NULL, (size_t)qcow2_cluster_size(&q.h), 1);
	for (uint64_t i = 0; i < n_blocks && i * per < end && n < most; i++)
		if (count_block(&q, blocks[i], end - i * per < per ? end - i * per : per, most,
				buf, &n, err) < 0)
			return -1;
	*ret = n >= most;
	return 0;
}
