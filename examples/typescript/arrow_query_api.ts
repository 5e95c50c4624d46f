import { tableFromIPC } from 'apache-arrow';
async function arrowQuery(sql: string): Promise<any> {
  const response = await fetch('http://localhost:5439/v1/query/arrow', {
    method: 'POST',
    headers: {
      'Authorization': `Bearer ${process.env.HATIDATA_API_KEY}`,
      'Content-Type': 'application/json',
    },
    body: JSON.stringify({ sql }),
  });
  if (!response.ok) {
    throw new Error(`Query failed: ${response.status}`);
  }
  const buffer = await response.arrayBuffer();
  const table = tableFromIPC(new Uint8Array(buffer));
  return {
    table,
    rowCount: Number(response.headers.get('X-Row-Count')),
    durationMs: Number(response.headers.get('X-Duration-Ms')),
  };
}
const { table, rowCount, durationMs } = await arrowQuery(
  'SELECT customer_id, SUM(total) AS revenue FROM orders GROUP BY customer_id'
);
console.log(`${rowCount} rows in ${durationMs}ms`);
