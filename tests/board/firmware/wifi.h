/* wifi: the station side of the module, against the access points that --wifi names. */
#ifndef TESTS_BOARD_FIRMWARE_WIFI_H
#define TESTS_BOARD_FIRMWARE_WIFI_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/board/firmware/args.h"

struct firmware;
struct timer;
struct wifi_ap;

/* The numbers of AT+CWSTATE. */
enum wifi_state {
    WIFI_NEVER = 0,
    WIFI_NO_ADDRESS = 1,
    WIFI_UP = 2,
    WIFI_CONNECTING = 3,
    WIFI_LEFT = 4,
};

struct wifi {
    uint8_t mode;
    enum wifi_state state;
    char ssid[33]; /* the last one tried */
    char password[65];
    const struct wifi_ap *ap; /* while associated */
    int failure;              /* code of +CWJAP when the running join is going to fail */
    bool commanded;           /* AT+CWJAP waits for the end of the join */
    struct timer *step;
};

void wifi_init(struct firmware *fw);
void wifi_dispose(struct firmware *fw);
/** At the start of the application: join the stored access point. */
void wifi_start(struct firmware *fw);
/** Leave the access point, if any, with the lines that tell so. */
void wifi_down(struct firmware *fw);
bool wifi_is_up(const struct firmware *fw);

void cmd_cwmode_query(struct firmware *fw, const struct at_args *a);
void cmd_cwmode_set(struct firmware *fw, const struct at_args *a);
void cmd_cwjap_exec(struct firmware *fw, const struct at_args *a);
void cmd_cwjap_query(struct firmware *fw, const struct at_args *a);
void cmd_cwjap_set(struct firmware *fw, const struct at_args *a);
void cmd_cwqap_exec(struct firmware *fw, const struct at_args *a);
void cmd_cwstate_query(struct firmware *fw, const struct at_args *a);
void cmd_cwlap_exec(struct firmware *fw, const struct at_args *a);
void cmd_cwreconncfg_query(struct firmware *fw, const struct at_args *a);
void cmd_cipsta_query(struct firmware *fw, const struct at_args *a);
void cmd_cipstamac_query(struct firmware *fw, const struct at_args *a);
#endif
