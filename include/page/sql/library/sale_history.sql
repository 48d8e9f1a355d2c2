-- title_es: Historia de una venta
-- title_en: History of a sale
-- description_es: Los pasos de una venta, por su identificador (id_venta); en los últimos días
--   que se elijan.
-- description_en: The steps of a sale, by its identifier (id_venta); within the days chosen.
-- parameter: id_venta text; Identificador de la venta; Sale's identifier
-- parameter: desde time -90d; Desde; From
-- column: momento time; Momento; Time
-- column: estado text; Estado; State
-- column: motivo text; Motivo; Reason
-- column: producto text; Producto; Product
-- column: cantidad number; Unidades; Units
-- column: importe_centavos money; Importe; Amount
-- column: pago text; Pago y emisor; Payment and issuer
-- column: sucursal text; Sucursal; Store
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
