package main

import (
	"errors"
	"io"
	"os"

	"cosmossdk.io/client/v2/autocli"
	"cosmossdk.io/core/appmodule"
	"cosmossdk.io/log"
	cmtcfg "github.com/cometbft/cometbft/config"
	dbm "github.com/cosmos/cosmos-db"
	"github.com/cosmos/cosmos-sdk/client"
	"github.com/cosmos/cosmos-sdk/client/config"
	"github.com/cosmos/cosmos-sdk/client/keys"
	"github.com/cosmos/cosmos-sdk/client/rpc"
	addresscodec "github.com/cosmos/cosmos-sdk/codec/address"
	runtimeservices "github.com/cosmos/cosmos-sdk/runtime/services"
	"github.com/cosmos/cosmos-sdk/server"
	serverconfig "github.com/cosmos/cosmos-sdk/server/config"
	servertypes "github.com/cosmos/cosmos-sdk/server/types"
	simtestutil "github.com/cosmos/cosmos-sdk/testutil/sims"
	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/types/module"
	authcmd "github.com/cosmos/cosmos-sdk/x/auth/client/cli"
	"github.com/cosmos/cosmos-sdk/x/auth/types"
	genutilcli "github.com/cosmos/cosmos-sdk/x/genutil/client/cli"
	"github.com/spf13/cobra"

	"github.com/cosmos/ibc-go/v10/testing/simapp"
)

// newRootCmd returns the node's command. The app is made once in memory, because the codecs the commands need belong to it.
func newRootCmd() *cobra.Command {
	home, err := os.MkdirTemp("", "simd10")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(home)

	app := newSimApp(log.NewNopLogger(), dbm.NewMemDB(), nil, simtestutil.NewAppOptionsWithFlagHome(home))
	clientCtx := client.Context{}.
		WithCodec(app.AppCodec()).
		WithInterfaceRegistry(app.InterfaceRegistry()).
		WithLegacyAmino(app.LegacyAmino()).
		WithTxConfig(app.TxConfig()).
		WithInput(os.Stdin).
		WithAccountRetriever(types.AccountRetriever{}).
		WithHomeDir(simapp.DefaultNodeHome).
		WithViper("")

	rootCmd := &cobra.Command{
		Use:           "simd10",
		Short:         "ibc-go v10 simulation app",
		SilenceErrors: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return prepare(cmd, clientCtx)
		},
	}
	addCommands(rootCmd, app)
	if err := enhance(rootCmd, app, clientCtx); err != nil {
		panic(err)
	}
	return rootCmd
}

func prepare(cmd *cobra.Command, clientCtx client.Context) error {
	cmd.SetOut(cmd.OutOrStdout())
	cmd.SetErr(cmd.ErrOrStderr())

	clientCtx, err := client.ReadPersistentCommandFlags(clientCtx.WithCmdContext(cmd.Context()), cmd.Flags())
	if err != nil {
		return err
	}
	clientCtx, err = config.ReadFromClientConfig(clientCtx)
	if err != nil {
		return err
	}
	if err := client.SetCmdClientContextHandler(clientCtx, cmd); err != nil {
		return err
	}
	return server.InterceptConfigsPreRunHandler(
		cmd, serverconfig.DefaultConfigTemplate, serverconfig.DefaultConfig(), cmtcfg.DefaultConfig())
}

func addCommands(rootCmd *cobra.Command, app *simapp.SimApp) {
	sdk.GetConfig().Seal()
	basics := app.BasicModuleManager
	rootCmd.AddCommand(genutilcli.InitCmd(basics, simapp.DefaultNodeHome), server.QueryBlockResultsCmd())
	server.AddCommands(rootCmd, simapp.DefaultNodeHome, newApp, noExport, func(*cobra.Command) {})
	rootCmd.AddCommand(
		server.StatusCommand(),
		genutilcli.Commands(app.TxConfig(), basics, simapp.DefaultNodeHome),
		group("tx", "Transactions subcommands", authcmd.GetSignCommand(), authcmd.GetSignBatchCommand(),
			authcmd.GetBroadcastCommand(), authcmd.GetEncodeCommand(), authcmd.GetDecodeCommand(), authcmd.GetSimulateCmd()),
		group("query", "Querying subcommands", rpc.ValidatorCommand(), server.QueryBlockCmd(), server.QueryBlocksCmd(),
			authcmd.QueryTxsByEventsCmd(), authcmd.QueryTxCmd()),
		keys.Commands(),
	)
}

func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, SuggestionsMinimumDistance: 2, RunE: client.ValidateCmd}
	cmd.AddCommand(commands...)
	return cmd
}

// enhance adds the modules' own tx and query commands. The v10 app has no AutoCLI options of its own, unlike v8's.
func enhance(rootCmd *cobra.Command, app *simapp.SimApp, clientCtx client.Context) error {
	modules := make(map[string]appmodule.AppModule)
	for name, m := range app.ModuleManager.Modules {
		if appModule, ok := m.(appmodule.AppModule); ok {
			if _, named := m.(module.HasName); named {
				modules[name] = appModule
			}
		}
	}
	prefixes := sdk.GetConfig()
	options := autocli.AppOptions{
		Modules:               modules,
		ModuleOptions:         runtimeservices.ExtractAutoCLIOptions(app.ModuleManager.Modules),
		AddressCodec:          addresscodec.NewBech32Codec(prefixes.GetBech32AccountAddrPrefix()),
		ValidatorAddressCodec: addresscodec.NewBech32Codec(prefixes.GetBech32ValidatorAddrPrefix()),
		ConsensusAddressCodec: addresscodec.NewBech32Codec(prefixes.GetBech32ConsensusAddrPrefix()),
		ClientCtx:             clientCtx,
	}
	return options.EnhanceRootCommand(rootCmd)
}

func newApp(logger log.Logger, db dbm.DB, trace io.Writer, options servertypes.AppOptions) servertypes.Application {
	return newSimApp(logger, db, trace, options, server.DefaultBaseappOptions(options)...)
}

// noExport stands where a chain exports its state: the v10 app can't, and no test needs it.
func noExport(log.Logger, dbm.DB, io.Writer, int64, bool, []string, servertypes.AppOptions, []string) (servertypes.ExportedApp, error) {
	return servertypes.ExportedApp{}, errors.New("export is not supported by this chain")
}
