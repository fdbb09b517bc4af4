/* commands: THE table of AT commands: name, first release that has it, handlers. The order is that
 * of AT+CMD?. */
#include "tests/board/firmware/commands.h"

#include "tests/board/firmware/firmware.h"

static const struct at_command commands[] = {
    {"", 100, cmd_at_exec, NULL, NULL},
    {"E0", 100, cmd_e0_exec, NULL, NULL},
    {"E1", 100, cmd_e1_exec, NULL, NULL},
    {"+RST", 100, cmd_rst_exec, NULL, NULL},
    {"+GMR", 100, cmd_gmr_exec, NULL, NULL},
    {"+CMD", 220, NULL, cmd_cmd_query, NULL},
    {"+RESTORE", 100, cmd_restore_exec, NULL, NULL},
    {"+UART_CUR", 100, NULL, cmd_uart_cur_query, cmd_uart_cur_set},
    {"+UART_DEF", 100, NULL, cmd_uart_def_query, cmd_uart_def_set},
    {"+SYSRAM", 100, NULL, cmd_sysram_query, NULL},
    {"+SYSFLASH", 100, NULL, cmd_sysflash_query, cmd_sysflash_set},
    {"+SYSMFG", 310, NULL, cmd_sysmfg_query, cmd_sysmfg_set},
    {"+SYSLOG", 200, NULL, cmd_syslog_query, cmd_syslog_set},
    {"+SYSMSG", 200, NULL, cmd_sysmsg_query, cmd_sysmsg_set},
    {"+SYSSTORE", 210, NULL, cmd_sysstore_query, cmd_sysstore_set},
    {"+SYSTIMESTAMP", 220, NULL, cmd_systimestamp_query, cmd_systimestamp_set},
    {"+CWMODE", 100, NULL, cmd_cwmode_query, cmd_cwmode_set},
    {"+CWSTATE", 220, NULL, cmd_cwstate_query, NULL},
    {"+CWJAP", 100, cmd_cwjap_exec, cmd_cwjap_query, cmd_cwjap_set},
    {"+CWRECONNCFG", 220, NULL, cmd_cwreconncfg_query, NULL},
    {"+CWLAP", 100, cmd_cwlap_exec, NULL, NULL},
    {"+CWQAP", 100, cmd_cwqap_exec, NULL, NULL},
    {"+CIPSTAMAC", 100, NULL, cmd_cipstamac_query, NULL},
    {"+CIPSTA", 100, NULL, cmd_cipsta_query, NULL},
    {"+CIPDOMAIN", 100, NULL, NULL, cmd_cipdomain_set},
    {"+CIPDNS", 200, NULL, cmd_cipdns_query, cmd_cipdns_set},
    {"+CIPSTART", 100, NULL, NULL, cmd_cipstart_set},
    {"+CIPCLOSE", 100, cmd_cipclose_exec, NULL, NULL},
    {"+PING", 100, NULL, NULL, cmd_ping_set},
    {"+CIPSNTPCFG", 100, NULL, cmd_cipsntpcfg_query, cmd_cipsntpcfg_set},
    {"+CIPSNTPINTV", 240, NULL, cmd_cipsntpintv_query, cmd_cipsntpintv_set},
    {"+CIPSNTPTIME", 100, NULL, cmd_cipsntptime_query, NULL},
    /* The prebuilt V2.0 came without MQTT. */
    {"+MQTTUSERCFG", 210, NULL, NULL, cmd_mqttusercfg_set},
    {"+MQTTCLIENTID", 210, NULL, NULL, cmd_mqttclientid_set},
    {"+MQTTUSERNAME", 210, NULL, NULL, cmd_mqttusername_set},
    {"+MQTTPASSWORD", 210, NULL, NULL, cmd_mqttpassword_set},
    {"+MQTTLONGCLIENTID", 300, NULL, NULL, cmd_mqttlongclientid_set},
    {"+MQTTLONGUSERNAME", 300, NULL, NULL, cmd_mqttlongusername_set},
    {"+MQTTLONGPASSWORD", 300, NULL, NULL, cmd_mqttlongpassword_set},
    {"+MQTTCONNCFG", 210, NULL, NULL, cmd_mqttconncfg_set},
    {"+MQTTALPN", 240, NULL, NULL, cmd_mqttalpn_set},
    {"+MQTTSNI", 330, NULL, NULL, cmd_mqttsni_set},
    {"+MQTTCONN", 210, NULL, cmd_mqttconn_query, cmd_mqttconn_set},
    {"+MQTTPUB", 210, NULL, NULL, cmd_mqttpub_set},
    {"+MQTTPUBRAW", 210, NULL, NULL, cmd_mqttpubraw_set},
    {"+MQTTSUB", 210, NULL, cmd_mqttsub_query, cmd_mqttsub_set},
    {"+MQTTUNSUB", 210, NULL, NULL, cmd_mqttunsub_set},
    {"+MQTTCLEAN", 210, NULL, NULL, cmd_mqttclean_set},
};

const struct at_command *at_command_at(size_t i)
{
    return i < sizeof commands / sizeof *commands ? &commands[i] : NULL;
}
