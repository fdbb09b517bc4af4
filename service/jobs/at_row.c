#include "service/jobs/at_row.h"

#include <string.h>

/* Both names are 16 characters and a NUL. */
struct at_partition at_row_of(const struct partition *p)
{
    struct at_partition row = {
        .type = p->type, .subtype = p->subtype, .offset = p->offset, .size = p->size};
    memcpy(row.name, p->name, sizeof row.name);
    return row;
}

struct partition at_row_partition(const struct at_partition *row)
{
    struct partition p = {
        .type = row->type, .subtype = row->subtype, .offset = row->offset, .size = row->size};
    memcpy(p.name, row->name, sizeof p.name);
    return p;
}
