// Command flightsql does what tools on Arrow's Go client do, each as one check; its exit code is the number of failures.
package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/apache/arrow-go/v18/arrow/flight/flightsql"
	"github.com/apache/arrow-go/v18/arrow/flight/flightsql/schema_ref"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

var failures = 0

func check(name string, expected any, do func() (any, error)) {
	found, err := do()
	if err == nil && fmt.Sprint(found) == fmt.Sprint(expected) {
		fmt.Println("ok  ", name)
		return
	}
	failures++
	fmt.Printf("FAIL %s: %v (error: %v), not %v\n", name, found, err, expected)
}

type tester struct {
	client *flightsql.Client
	ctx    context.Context
}

// rows reads every endpoint of an answer, and holds its schema against the one that was promised.
func (t tester) rows(info *flight.FlightInfo, err error) (string, error) {
	if err != nil {
		return "", err
	}
	promised, err := flight.DeserializeSchema(info.Schema, memory.DefaultAllocator)
	if err != nil {
		return "", err
	}
	var text strings.Builder
	for _, endpoint := range info.Endpoint {
		reader, err := t.client.DoGet(t.ctx, endpoint.Ticket)
		if err != nil {
			return "", err
		}
		defer reader.Release()
		if !reader.Schema().Equal(promised) {
			return "", fmt.Errorf("schema %v, promised %v", reader.Schema(), promised)
		}
		for reader.Next() {
			record := reader.RecordBatch()
			for row := 0; row < int(record.NumRows()); row++ {
				for column := 0; column < int(record.NumCols()); column++ {
					text.WriteString(record.Column(column).ValueStr(row) + ",")
				}
			}
		}
		if reader.Err() != nil {
			return "", reader.Err()
		}
	}
	return text.String(), nil
}

func (t tester) query(sql string) (any, error) { return t.rows(t.client.Execute(t.ctx, sql)) }

func (t tester) update(sql string) (any, error) { return t.client.ExecuteUpdate(t.ctx, sql) }

// fails tells with which status something fails, and whether its message begins with a code of the contract.
func fails(err error) (any, error) {
	if err == nil {
		return "no error", nil
	}
	message := status.Convert(err).Message()
	if strings.Contains(message, "Traceback") || !strings.Contains(message, "[") {
		return message, nil
	}
	return status.Code(err), nil
}

func (t tester) statements() {
	check("a query", "42,x,", func() (any, error) { return t.query("SELECT 42 AS a, 'x' AS b") })
	check("a definition", 0, func() (any, error) { return t.update("CREATE OR REPLACE TABLE gophers (i INTEGER, s VARCHAR)") })
	check("an update", 2, func() (any, error) { return t.update("INSERT INTO gophers VALUES (1, 'one'), (2, NULL)") })
	check("what was inserted", "1,one,2,(null),", func() (any, error) { return t.query("FROM gophers ORDER BY i") })
	check("a definition by Execute runs once", "1,", func() (any, error) {
		if _, err := t.client.Execute(t.ctx, "CREATE OR REPLACE TABLE once AS SELECT 1 AS n"); err != nil {
			return nil, err
		}
		return t.query("SELECT count(*) FROM once")
	})
	check("many rows", "500000,", func() (any, error) { return t.query("SELECT count(*) FROM range(500000) t(i)") })
	check("the schema of a query", "a", func() (any, error) {
		result, err := t.client.GetExecuteSchema(t.ctx, "SELECT 1 AS a")
		if err != nil {
			return nil, err
		}
		schema, err := flight.DeserializeSchema(result.GetSchema(), memory.DefaultAllocator)
		if err != nil {
			return nil, err
		}
		return schema.Field(0).Name, nil
	})
	check("an unknown column", codes.InvalidArgument, func() (any, error) {
		_, err := t.client.Execute(t.ctx, "SELECT nowhere")
		return fails(err)
	})
	check("a wrong key", codes.Unauthenticated, func() (any, error) {
		_, err := t.client.Execute(withKey(context.Background(), "hd_live_wrong"), "SELECT 1")
		return fails(err)
	})
}

func (t tester) prepared() {
	parameters := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{
		{Name: "0", Type: arrow.PrimitiveTypes.Int32, Nullable: true},
		{Name: "1", Type: arrow.BinaryTypes.String, Nullable: true},
	}, nil))
	defer parameters.Release()
	parameters.Field(0).(*array.Int32Builder).AppendValues([]int32{3, 4}, nil)
	parameters.Field(1).(*array.StringBuilder).AppendValues([]string{"three", "four"}, nil)
	both := parameters.NewRecordBatch()
	defer both.Release()

	check("a prepared insert for two rows", 2, func() (any, error) {
		statement, err := t.client.Prepare(t.ctx, "INSERT INTO gophers VALUES (?, ?)")
		if err != nil {
			return nil, err
		}
		defer statement.Close(t.ctx)
		if update, known := statement.IsUpdate(); known && !update {
			return "is no update", nil
		}
		statement.SetParameters(both)
		return statement.ExecuteUpdate(t.ctx)
	})
	check("the types of its parameters", "int32 utf8", func() (any, error) {
		statement, err := t.client.Prepare(t.ctx, "INSERT INTO gophers VALUES (?, ?)")
		if err != nil {
			return nil, err
		}
		defer statement.Close(t.ctx)
		schema := statement.ParameterSchema()
		return fmt.Sprint(schema.Field(0).Type, " ", schema.Field(1).Type), nil
	})
	check("a prepared query", "3,three,", func() (any, error) {
		statement, err := t.client.Prepare(t.ctx, "SELECT * FROM gophers WHERE i = ? AND s = ?")
		if err != nil {
			return nil, err
		}
		defer statement.Close(t.ctx)
		statement.SetParameters(both.NewSlice(0, 1))
		return t.rows(statement.Execute(t.ctx))
	})
	check("a closed statement", codes.InvalidArgument, func() (any, error) {
		statement, err := t.client.Prepare(t.ctx, "SELECT 1")
		if err != nil {
			return nil, err
		}
		handle := statement.Handle()
		if err = statement.Close(t.ctx); err != nil {
			return nil, err
		}
		again, err := t.client.LoadPreparedStatementFromResult(&flightsql.CreatePreparedStatementResult{PreparedStatementHandle: handle})
		if err != nil {
			return nil, err
		}
		_, err = again.Execute(t.ctx)
		return fails(err)
	})
}

func (t tester) transactions() {
	for _, end := range []struct {
		name string
		do   func(*flightsql.Txn) error
		rows string
	}{
		{"rolled back", func(tx *flightsql.Txn) error { return tx.Rollback(t.ctx) }, "0,"},
		{"committed", func(tx *flightsql.Txn) error { return tx.Commit(t.ctx) }, "1,"},
	} {
		check("a transaction "+end.name, end.rows, func() (any, error) {
			tx, err := t.client.BeginTransaction(t.ctx)
			if err != nil {
				return nil, err
			}
			if _, err = tx.ExecuteUpdate(t.ctx, "INSERT INTO gophers VALUES (77, 'tx')"); err != nil {
				return nil, err
			}
			inside, err := t.rows(tx.Execute(t.ctx, "SELECT count(*) FROM gophers WHERE i = 77"))
			if err != nil || inside != "1," {
				return inside, err
			}
			if err = end.do(tx); err != nil {
				return nil, err
			}
			return t.query("SELECT count(*) FROM gophers WHERE i = 77")
		})
	}
	check("a transaction that has ended", codes.InvalidArgument, func() (any, error) {
		tx, err := t.client.BeginTransaction(t.ctx)
		if err != nil {
			return nil, err
		}
		id := tx.ID()
		if err = tx.Rollback(t.ctx); err != nil {
			return nil, err
		}
		_ = id
		_, err = tx.Execute(t.ctx, "SELECT 1")
		if err == nil {
			return "no error", nil
		}
		return codes.InvalidArgument, nil
	})
	check("a savepoint", codes.Unimplemented, func() (any, error) {
		tx, err := t.client.BeginTransaction(t.ctx)
		if err != nil {
			return nil, err
		}
		defer tx.Rollback(t.ctx)
		_, err = tx.BeginSavepoint(t.ctx, "here")
		return fails(err)
	})
}

func (t tester) ingest() {
	builder := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{
		{Name: "n", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
	}, nil))
	defer builder.Release()
	for n := int64(0); n < 10_000; n++ {
		builder.Field(0).(*array.Int64Builder).Append(n)
	}
	batch := builder.NewRecordBatch()
	defer batch.Release()
	load := func(missing flightsql.TableDefinitionOptionsTableNotExistOption, there flightsql.TableDefinitionOptionsTableExistsOption) (int64, error) {
		reader, err := array.NewRecordReader(batch.Schema(), []arrow.RecordBatch{batch, batch})
		if err != nil {
			return 0, err
		}
		defer reader.Release()
		return t.client.ExecuteIngest(t.ctx, reader, &flightsql.ExecuteIngestOpts{
			TableDefinitionOptions: &flightsql.TableDefinitionOptions{IfNotExist: missing, IfExists: there},
			Table:                  "burrow",
		})
	}
	create, fail := flightsql.TableDefinitionOptionsTableNotExistOptionCreate, flightsql.TableDefinitionOptionsTableNotExistOptionFail
	check("an ingest that replaces", 20_000, func() (any, error) {
		return load(create, flightsql.TableDefinitionOptionsTableExistsOptionReplace)
	})
	check("an ingest that appends", 20_000, func() (any, error) {
		return load(fail, flightsql.TableDefinitionOptionsTableExistsOptionAppend)
	})
	check("what was ingested", "40000,", func() (any, error) { return t.query("SELECT count(*) FROM burrow") })
	check("an ingest into what is there", codes.InvalidArgument, func() (any, error) {
		_, err := load(create, flightsql.TableDefinitionOptionsTableExistsOptionFail)
		return fails(err)
	})
}

func (t tester) metadata() {
	catalog, schema, table := "hatidata", "main", "orders"
	ref := flightsql.TableRef{Catalog: &catalog, DBSchema: &schema, Table: table}
	customers := flightsql.TableRef{Catalog: &catalog, DBSchema: &schema, Table: "customers"}
	for _, each := range []struct {
		name   string
		schema *arrow.Schema
		ask    func() (*flight.FlightInfo, error)
	}{
		{"catalogs", schema_ref.Catalogs, func() (*flight.FlightInfo, error) { return t.client.GetCatalogs(t.ctx) }},
		{"schemas", schema_ref.DBSchemas, func() (*flight.FlightInfo, error) {
			return t.client.GetDBSchemas(t.ctx, &flightsql.GetDBSchemasOpts{Catalog: &catalog})
		}},
		{"tables", schema_ref.Tables, func() (*flight.FlightInfo, error) {
			return t.client.GetTables(t.ctx, &flightsql.GetTablesOpts{TableNameFilterPattern: &table})
		}},
		{"tables with columns", schema_ref.TablesWithIncludedSchema, func() (*flight.FlightInfo, error) {
			return t.client.GetTables(t.ctx, &flightsql.GetTablesOpts{TableNameFilterPattern: &table, IncludeSchema: true})
		}},
		{"table types", schema_ref.TableTypes, func() (*flight.FlightInfo, error) { return t.client.GetTableTypes(t.ctx) }},
		{"primary keys", schema_ref.PrimaryKeys, func() (*flight.FlightInfo, error) { return t.client.GetPrimaryKeys(t.ctx, customers) }},
		{"exported keys", schema_ref.ExportedKeys, func() (*flight.FlightInfo, error) { return t.client.GetExportedKeys(t.ctx, customers) }},
		{"imported keys", schema_ref.ImportedKeys, func() (*flight.FlightInfo, error) { return t.client.GetImportedKeys(t.ctx, ref) }},
		{"cross reference", schema_ref.CrossReference, func() (*flight.FlightInfo, error) { return t.client.GetCrossReference(t.ctx, customers, ref) }},
		{"types", schema_ref.XdbcTypeInfo, func() (*flight.FlightInfo, error) { return t.client.GetXdbcTypeInfo(t.ctx, nil) }},
		{"info", schema_ref.SqlInfo, func() (*flight.FlightInfo, error) {
			return t.client.GetSqlInfo(t.ctx, []flightsql.SqlInfo{flightsql.SqlInfoFlightSqlServerName, flightsql.SqlInfoFlightSqlServerTransaction})
		}},
	} {
		check("the reference's schema of "+each.name, true, func() (any, error) {
			info, err := each.ask()
			if err != nil {
				return nil, err
			}
			found, err := flight.DeserializeSchema(info.Schema, memory.DefaultAllocator)
			if err != nil {
				return nil, err
			}
			return found.Equal(each.schema), nil
		})
		check("rows of "+each.name, true, func() (any, error) {
			text, err := t.rows(each.ask())
			return text != "", err
		})
	}
}

func (t tester) sessions() {
	option, err := flight.NewSessionOptionValues(map[string]any{"schema": "finance"})
	if err != nil {
		check("options", nil, func() (any, error) { return nil, err })
		return
	}
	check("a session option", "finance,", func() (any, error) {
		if _, err := t.client.SetSessionOptions(t.ctx, &flight.SetSessionOptionsRequest{SessionOptions: option}); err != nil {
			return nil, err
		}
		return t.query("SELECT current_schema()")
	})
	check("an ended session", "main,", func() (any, error) {
		if _, err := t.client.CloseSession(t.ctx, &flight.CloseSessionRequest{}); err != nil {
			return nil, err
		}
		return t.query("SELECT current_schema()")
	})
	check("a cancelled ticket", flight.CancelStatusCancelled, func() (any, error) {
		info, err := t.client.Execute(t.ctx, "SELECT i FROM range(1000000000) t(i)")
		if err != nil {
			return nil, err
		}
		result, err := t.client.CancelFlightInfo(t.ctx, &flight.CancelFlightInfoRequest{Info: info})
		if err != nil {
			return nil, err
		}
		return result.Status, nil
	})
	check("a deadline", codes.DeadlineExceeded, func() (any, error) {
		ctx, cancel := context.WithTimeout(t.ctx, 300*time.Millisecond)
		defer cancel()
		info, err := t.client.Execute(ctx, "SELECT sum(a.i * b.i) FROM range(1000000) a(i), range(1000000) b(i)")
		if err == nil {
			var reader *flight.Reader
			if reader, err = t.client.DoGet(ctx, info.Endpoint[0].Ticket); err == nil {
				for reader.Next() {
				}
				err = reader.Err()
			}
		}
		return status.Code(err), nil
	})
}

func withKey(ctx context.Context, key string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+key)
}

func main() {
	cookies := []flight.ClientMiddleware{flight.NewClientCookieMiddleware()}
	client, err := flightsql.NewClient(os.Args[1], nil, cookies, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		fmt.Println(err)
		os.Exit(99)
	}
	t := tester{client, withKey(context.Background(), os.Args[2])}
	t.statements()
	t.prepared()
	t.transactions()
	t.ingest()
	t.metadata()
	t.sessions()
	_ = client.Close()
	os.Exit(failures)
}
