-- parameters:
--   - {name: id_venta, kind: text}
--   - {name: desde, kind: time, default: -90d}
-- columns:
--   - {name: momento, kind: time}
--   - {name: estado, kind: text}
--   - {name: motivo, kind: text}
--   - {name: producto, kind: text}
--   - {name: cantidad, kind: number}
--   - {name: importe_centavos, kind: money}
--   - {name: pago, kind: text}
--   - {name: sucursal, kind: text}
SELECT
  __time AS momento,
  estado,
  motivo,
  producto,
  cantidad,
  importe_centavos,
  TRIM(tipo_pago || ' ' || emisor) AS pago,
  sucursal
FROM "{datasource}"
WHERE id_venta = :id_venta AND __time >= MILLIS_TO_TIMESTAMP(:desde)
ORDER BY __time
