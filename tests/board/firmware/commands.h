/* commands: the handlers of the basic commands; those of Wi-Fi, time and MQTT are declared with
 * their modules. */
#ifndef TESTS_BOARD_FIRMWARE_COMMANDS_H
#define TESTS_BOARD_FIRMWARE_COMMANDS_H

#include "tests/board/firmware/args.h"

struct firmware;

void cmd_at_exec(struct firmware *fw, const struct at_args *a);
void cmd_e0_exec(struct firmware *fw, const struct at_args *a);
void cmd_e1_exec(struct firmware *fw, const struct at_args *a);
void cmd_rst_exec(struct firmware *fw, const struct at_args *a);
void cmd_gmr_exec(struct firmware *fw, const struct at_args *a);
void cmd_cmd_query(struct firmware *fw, const struct at_args *a);
void cmd_restore_exec(struct firmware *fw, const struct at_args *a);
void cmd_syslog_query(struct firmware *fw, const struct at_args *a);
void cmd_syslog_set(struct firmware *fw, const struct at_args *a);
void cmd_sysmsg_query(struct firmware *fw, const struct at_args *a);
void cmd_sysmsg_set(struct firmware *fw, const struct at_args *a);
void cmd_sysstore_query(struct firmware *fw, const struct at_args *a);
void cmd_sysstore_set(struct firmware *fw, const struct at_args *a);
void cmd_sysram_query(struct firmware *fw, const struct at_args *a);
void cmd_uart_cur_query(struct firmware *fw, const struct at_args *a);
void cmd_uart_cur_set(struct firmware *fw, const struct at_args *a);
void cmd_uart_def_query(struct firmware *fw, const struct at_args *a);
void cmd_uart_def_set(struct firmware *fw, const struct at_args *a);
void cmd_sysflash_query(struct firmware *fw, const struct at_args *a);
void cmd_sysflash_set(struct firmware *fw, const struct at_args *a);
void cmd_sysmfg_query(struct firmware *fw, const struct at_args *a);
void cmd_sysmfg_set(struct firmware *fw, const struct at_args *a);
#endif
