/* at_row: a row of the board's second table, as AT+SYSFLASH has it and as a layout has it. */
#ifndef SERVICE_JOBS_AT_ROW_H
#define SERVICE_JOBS_AT_ROW_H

#include "service/at/sysflash.h"
#include "service/pki/partition.h"

struct at_partition at_row_of(const struct partition *p);
struct partition at_row_partition(const struct at_partition *row);
#endif
