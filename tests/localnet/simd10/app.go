package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"cosmossdk.io/log"
	dbm "github.com/cosmos/cosmos-db"
	"github.com/cosmos/cosmos-sdk/baseapp"
	servertypes "github.com/cosmos/cosmos-sdk/server/types"
	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/x/auth/ante"

	transfertypes "github.com/cosmos/ibc-go/v10/modules/apps/transfer/types"
	clienttypes "github.com/cosmos/ibc-go/v10/modules/core/02-client/types"
	channeltypes "github.com/cosmos/ibc-go/v10/modules/core/04-channel/types"
	porttypes "github.com/cosmos/ibc-go/v10/modules/core/05-port/types"
	ibcante "github.com/cosmos/ibc-go/v10/modules/core/ante"
	"github.com/cosmos/ibc-go/v10/modules/core/exported"
	ibckeeper "github.com/cosmos/ibc-go/v10/modules/core/keeper"
	"github.com/cosmos/ibc-go/v10/testing/simapp"
)

// holdMemo is the memo of a transfer whose coins arrive and whose acknowledgement this chain never writes, as on chains
// with packet forwarding while the second hop is under way.
const holdMemo = `{"hold_ack":true}`

// newSimApp returns ibc-go's simulation app with what a real chain has and it lacks: fees are deducted. BaseApp is sealed
// by loading a version, so every change comes before that.
func newSimApp(
	logger log.Logger, db dbm.DB, trace io.Writer, options servertypes.AppOptions, base ...func(*baseapp.BaseApp),
) *simapp.SimApp {
	app := simapp.NewSimApp(logger, db, trace, false, options, base...)
	app.SetAnteHandler(newAnteHandler(app))
	app.SetPostHandler(sdk.ChainPostDecorators(packetSender{app.IBCKeeper}))
	holdAcknowledgements(app.IBCKeeper)
	if err := app.LoadLatestVersion(); err != nil {
		panic(fmt.Errorf("loading the last version: %w", err))
	}
	return app
}

func newAnteHandler(app *simapp.SimApp) sdk.AnteHandler {
	accounts := app.AccountKeeper
	return sdk.ChainAnteDecorators(
		ante.NewSetUpContextDecorator(),
		ante.NewExtensionOptionsDecorator(nil),
		ante.NewValidateBasicDecorator(),
		ante.NewTxTimeoutHeightDecorator(),
		ante.NewValidateMemoDecorator(accounts),
		ante.NewConsumeGasForTxSizeDecorator(accounts),
		ante.NewDeductFeeDecorator(accounts, app.BankKeeper, nil, nil),
		ante.NewSetPubKeyDecorator(accounts),
		ante.NewValidateSigCountDecorator(accounts),
		ante.NewSigGasConsumeDecorator(accounts, ante.DefaultSigVerificationGasConsumer),
		ante.NewSigVerificationDecorator(accounts, app.TxConfig().SignModeHandler()),
		ante.NewIncrementSequenceDecorator(accounts),
		ibcante.NewRedundantRelayDecorator(app.IBCKeeper),
	)
}

// packetSender lets a transaction send a raw IBC packet on a mock channel: the mock module has no message for it. The
// transaction may be any that succeeds; its memo carries the packet.
type packetSender struct{ keeper *ibckeeper.Keeper }

type rawPacket struct {
	Port           string `json:"port"`
	Channel        string `json:"channel"`
	Data           string `json:"data"`
	TimeoutSeconds uint64 `json:"timeout_seconds"`
	Count          int    `json:"count"`
}

// PostHandle sends what a memo `{"send_packet":{...}}` asks for, in the same state as the transaction's messages.
func (p packetSender) PostHandle(ctx sdk.Context, tx sdk.Tx, simulate, success bool, next sdk.PostHandler) (sdk.Context, error) {
	memo, ok := tx.(sdk.TxWithMemo)
	if ok && success && strings.HasPrefix(memo.GetMemo(), `{"send_packet":`) {
		var asked struct {
			Packet rawPacket `json:"send_packet"`
		}
		if err := json.Unmarshal([]byte(memo.GetMemo()), &asked); err != nil {
			return ctx, err
		}
		if err := p.send(ctx, asked.Packet); err != nil {
			return ctx, err
		}
	}
	return next(ctx, tx, simulate, success)
}

func (p packetSender) send(ctx sdk.Context, packet rawPacket) error {
	timeout := ctx.BlockTime().Add(time.Duration(packet.TimeoutSeconds) * time.Second)
	for range max(packet.Count, 1) {
		_, err := p.keeper.ChannelKeeper.SendPacket(
			ctx, packet.Port, packet.Channel, clienttypes.ZeroHeight(), uint64(timeout.UnixNano()), []byte(packet.Data))
		if err != nil {
			return err
		}
	}
	return nil
}

// holder wraps the transfer module: the acknowledgement of a transfer with holdMemo is left open.
type holder struct{ porttypes.IBCModule }

// OnRecvPacket returns nil, "the acknowledgement comes later", after the coins were handed out.
func (h holder) OnRecvPacket(
	ctx sdk.Context, version string, packet channeltypes.Packet, relayer sdk.AccAddress,
) exported.Acknowledgement {
	ack := h.IBCModule.OnRecvPacket(ctx, version, packet, relayer)
	data, err := transfertypes.UnmarshalPacketData(packet.GetData(), version, "")
	if err == nil && data.Memo == holdMemo && ack.Success() {
		return nil
	}
	return ack
}

// holdAcknowledgements exchanges the router, which NewSimApp has sealed, for one whose transfer route is wrapped.
func holdAcknowledgements(keeper *ibckeeper.Keeper) {
	old := keeper.PortKeeper.Router
	router := porttypes.NewRouter()
	for _, name := range old.Keys() {
		route, _ := old.Route(name)
		if name == transfertypes.ModuleName {
			route = holder{route}
		}
		router.AddRoute(name, route)
	}
	keeper.PortKeeper.Router = nil
	keeper.SetRouter(router)
}
