import { tableFromIPC } from "apache-arrow";
const resp = await fetch("http://localhost:5440/v1/query/arrow", {
  method: "POST",
  headers: {
    "Authorization": "Bearer hd_live_a1b2c3d4...",
    "Content-Type": "application/json",
  },
  body: JSON.stringify({
    sql: "SELECT * FROM customers LIMIT 1000",
  }),
});
const buffer = await resp.arrayBuffer();
const table = tableFromIPC(new Uint8Array(buffer));
console.log(`${table.numRows} rows, ${table.numCols} columns`);
for (const row of table) {
  console.log(row.toJSON());
}
