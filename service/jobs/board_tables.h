/* board_tables: the partition tables in a board's flash, learned through its loader with as few
 * commands as can be: a stock table is known by one MD5. */
#ifndef SERVICE_JOBS_BOARD_TABLES_H
#define SERVICE_JOBS_BOARD_TABLES_H

#include "service/base/err.h"
#include "service/jobs/session.h"

/** Fill s->primary and s->layout; the flash must be attached. @return the flasher's errors;
 * ERR_PROTOCOL with codes no_partition_table, bad_table_md5, bad_table_entry; ERR_UNSUPPORTED with
 * codes layout_no_at_customize, layout_damaged. As far as it came, both are filled. */
enum err board_learn_layout(struct session *s);
/** There is no table where one should be, as err_last() says: what the order names as module and
 * release is believed. @return ERR_OK; that error when it names none; expected_layout()'s errors;
 * ERR_UNSUPPORTED with code layout_damaged: they are for a larger flash
 */
enum err board_assume_layout(struct session *s);
/** The same for a board that may hold anything: attaches its flash, and what is not there, or is no
 * ESP-AT, is no error but noted (layout kind none, the code as its source; s->primary empty when
 * there is none). @return the flasher's errors */
enum err board_look(struct session *s);
#endif
